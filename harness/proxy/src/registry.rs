//! Proxies by name, with toxics by name: what a control plane acts upon, with Toxiproxy's rules.
//!
//! Disabling a proxy stops it: its port is free, its connections are closed, its toxics stay. A proxy that was made
//! elsewhere ([`Registry::register`]: a link of a running case) keeps its port instead, and can be neither moved nor deleted.
//!
//! One lock guards all of them. It is held for a look-up and for system calls that return at once, never while something
//! is waited for: names are resolved before it is taken.

mod address;
mod entry;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::time::Instant;
use unstuck_net::Net;
use unstuck_record::Evidence;

use self::address::resolve;
use self::entry::Entry;
use crate::{ConnStatus, Invalid, Met, Proxy, Sink, Stats, Toxic};

/// Proxies by name. Cheap to clone: clones share them. The last clone to drop shuts down those that it has made.
#[derive(Clone, Debug)]
pub struct Registry {
    shared: Arc<Shared>,
}

/// A proxy to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Its name.
    pub name: String,
    /// `host:port`. Without a host it is every address of this machine, with port 0 or empty any free port.
    pub listen: String,
    /// `host:port`, resolved at each dial.
    pub upstream: String,
    /// Whether it is to run at once.
    pub enabled: bool,
}

/// What is to be different; the rest stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// As in [`Spec`].
    pub listen: Option<String>,
    /// As in [`Spec`].
    pub upstream: Option<String>,
    /// As in [`Spec`].
    pub enabled: Option<bool>,
}

/// A proxy as it is.
#[derive(Clone, Debug)]
pub struct ProxyView {
    /// Its name.
    pub name: String,
    /// Its address, or, while it has never run, what was written.
    pub listen: String,
    /// As written.
    pub upstream: String,
    /// Whether it lets connections in.
    pub enabled: bool,
    /// All upstream, then all downstream, each in the order in which they were added.
    pub toxics: Vec<ToxicView>,
    /// Counters, over stops and starts.
    pub stats: Stats,
}

/// A toxic as it is.
#[derive(Clone, Debug)]
pub struct ToxicView {
    /// Its name, unique on its proxy.
    pub name: String,
    /// Its direction as written.
    pub stream: String,
    /// What it is.
    pub toxic: Toxic,
    /// Since when; `None` while its proxy is stopped.
    pub since: Option<Instant>,
    /// Whether it does anything: not while its proxy is stopped, nor after [`Only::during`](crate::toxic::Only::during).
    pub in_force: bool,
    /// What it has met so far, over stops and starts.
    pub met: Met,
    /// What it has touched so far, over stops and starts.
    pub evidence: Evidence,
}

/// A live connection.
#[derive(Clone, Debug)]
pub struct ConnView {
    /// What it is like.
    pub conn: ConnStatus,
    /// The toxics that touch it, by name, in the order of the chain; `fault 3` is one that a scenario's fault brought.
    pub toxics: Vec<String>,
}

/// Why something was not done. The texts are Toxiproxy's.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// No proxy has this name.
    #[error("proxy not found")]
    NoSuchProxy,
    /// A proxy has this name.
    #[error("proxy already exists")]
    ProxyExists,
    /// No toxic of this proxy has this name.
    #[error("toxic not found")]
    NoSuchToxic,
    /// A toxic of this proxy has this name.
    #[error("toxic already exists")]
    ToxicExists,
    /// Parameters that make no sense.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// An address that is none, or that cannot be had.
    #[error("{0}")]
    Address(String),
    /// A link of a running case is to be moved or deleted.
    #[error(
        "proxy is a link of a running case: it can be disabled and have toxics, its addresses are the case's"
    )]
    Link,
}

struct Shared {
    net: Net,
    /// Where proxies run, whoever asks for them.
    runtime: Handle,
    seed: u64,
    sink: Sink,
    proxies: Mutex<BTreeMap<String, Entry>>,
}

// === impl Registry ===

impl Registry {
    /// An empty one, whose proxies run on the present runtime. Every random choice follows from `seed` and the proxy's name;
    /// `sink` is told of their connections.
    pub fn new(net: &Net, seed: u64, sink: Sink) -> Self {
        let shared =
            Shared { net: net.clone(), runtime: Handle::current(), seed, sink, proxies: Mutex::default() };
        Self { shared: Arc::new(shared) }
    }

    /// Takes in a proxy that was made elsewhere, under its own name.
    pub fn register(&self, proxy: Proxy) -> Result<(), Error> {
        let mut proxies = self.shared.lock();
        if proxies.contains_key(proxy.name()) {
            return Err(Error::ProxyExists);
        }
        proxies.insert(proxy.name().to_owned(), Entry::link(proxy));
        Ok(())
    }

    /// Makes a proxy.
    pub async fn create(&self, spec: Spec) -> Result<ProxyView, Error> {
        if self.shared.lock().contains_key(&spec.name) {
            return Err(Error::ProxyExists);
        }
        let at = if spec.enabled { Some(to_listen(&spec.listen).await?) } else { None };
        let mut proxies = self.shared.lock();
        if proxies.contains_key(&spec.name) {
            return Err(Error::ProxyExists);
        }
        let mut entry = Entry::stopped(spec.name.clone(), spec.listen, spec.upstream);
        if let Some(at) = at {
            entry.enable(&self.shared, at)?;
        }
        let view = entry.view();
        proxies.insert(spec.name, entry);
        Ok(view)
    }

    /// Changes a proxy. Other addresses stop it and start it again, with its toxics; if it cannot start it stays disabled.
    pub async fn update(&self, name: &str, change: Change) -> Result<ProxyView, Error> {
        let now = self.get(name)?;
        let listen = change.listen.unwrap_or(now.listen);
        let at = resolve(&listen).await.map_err(Error::Address)?;
        let mut proxies = self.shared.lock();
        let entry = proxies.get_mut(name).ok_or(Error::NoSuchProxy)?;
        let upstream = change.upstream.unwrap_or_else(|| entry.upstream.clone());
        let enabled = change.enabled.unwrap_or(entry.is_enabled());
        if entry.listen != at.to_string() || entry.upstream != upstream {
            if entry.is_link() {
                return Err(Error::Link);
            }
            entry.disable();
            (entry.listen, entry.upstream) = (listen, upstream);
        }
        if enabled {
            entry.enable(&self.shared, at)?;
        } else {
            entry.disable();
        }
        Ok(entry.view())
    }

    /// Makes proxies, in order, and stops at the first that cannot be made. One that is there with the same addresses is left
    /// as it is; with others it is replaced, and its toxics are gone.
    pub async fn populate(&self, specs: Vec<Spec>) -> (Vec<ProxyView>, Option<Error>) {
        let mut views = vec![];
        for spec in specs {
            match self.create_or_replace(spec).await {
                Ok(view) => views.push(view),
                Err(error) => return (views, Some(error)),
            }
        }
        (views, None)
    }

    async fn create_or_replace(&self, spec: Spec) -> Result<ProxyView, Error> {
        let exists = self.shared.lock().contains_key(&spec.name);
        let at = match (exists, spec.enabled) {
            (true, _) => Some(resolve(&spec.listen).await.map_err(Error::Address)?),
            (false, true) => Some(to_listen(&spec.listen).await?),
            (false, false) => None,
        };
        let mut proxies = self.shared.lock();
        if let Some(there) = proxies.get_mut(&spec.name) {
            let same = at.is_some_and(|at| there.listen == at.to_string());
            if same && there.upstream == spec.upstream {
                return Ok(there.view());
            }
            if there.is_link() {
                return Err(Error::Link);
            }
            there.disable();
        }
        let mut entry = Entry::stopped(spec.name.clone(), spec.listen, spec.upstream);
        if let Some(at) = at.filter(|_| spec.enabled) {
            entry.enable(&self.shared, at)?;
        }
        let view = entry.view();
        proxies.insert(spec.name, entry);
        Ok(view)
    }

    /// Stops a proxy and forgets it.
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        let mut proxies = self.shared.lock();
        match proxies.get_mut(name) {
            None => Err(Error::NoSuchProxy),
            Some(entry) if entry.is_link() => Err(Error::Link),
            Some(entry) => {
                entry.disable();
                proxies.remove(name);
                Ok(())
            }
        }
    }

    /// Enables every proxy and takes out every toxic. What cannot be enabled keeps nothing else from it; the first error is
    /// returned.
    pub async fn reset(&self) -> Result<(), Error> {
        let mut failed = Ok(());
        for view in self.all() {
            let enable = Change { enabled: Some(true), ..Change::default() };
            match self.update(&view.name, enable).await {
                // it was deleted meanwhile
                Ok(_) | Err(Error::NoSuchProxy) => {}
                Err(error) => failed = failed.and(Err(error)),
            }
        }
        self.shared.lock().values_mut().for_each(Entry::take_out_all);
        failed
    }

    /// All proxies, by name.
    pub fn all(&self) -> Vec<ProxyView> {
        self.shared.lock().values().map(Entry::view).collect()
    }

    /// One proxy.
    pub fn get(&self, name: &str) -> Result<ProxyView, Error> {
        self.shared.lock().get(name).map(Entry::view).ok_or(Error::NoSuchProxy)
    }

    /// Its live connections, in the order in which they were accepted.
    pub fn conns(&self, name: &str) -> Result<Vec<ConnView>, Error> {
        self.shared.lock().get(name).map(Entry::conns).ok_or(Error::NoSuchProxy)
    }

    /// Tasks that are alive where the proxies run.
    pub fn tasks(&self) -> usize {
        self.shared.runtime.metrics().num_alive_tasks()
    }

    // === toxics ===

    /// One toxic.
    pub fn toxic(&self, proxy: &str, name: &str) -> Result<ToxicView, Error> {
        let proxies = self.shared.lock();
        proxies.get(proxy).ok_or(Error::NoSuchProxy)?.toxic(name).ok_or(Error::NoSuchToxic)
    }

    /// Puts a toxic in force behind those that are there; `stream` is its direction as written.
    pub fn add(&self, proxy: &str, name: String, stream: String, toxic: Toxic) -> Result<ToxicView, Error> {
        self.shared.lock().get_mut(proxy).ok_or(Error::NoSuchProxy)?.add(name, stream, toxic)
    }

    /// Changes its parameters, toxicity and limits, on live connections too.
    pub fn change(&self, proxy: &str, name: &str, toxic: Toxic) -> Result<ToxicView, Error> {
        self.shared.lock().get_mut(proxy).ok_or(Error::NoSuchProxy)?.change(name, toxic)
    }

    /// Takes a toxic out.
    pub fn take_out(&self, proxy: &str, name: &str) -> Result<(), Error> {
        self.shared.lock().get_mut(proxy).ok_or(Error::NoSuchProxy)?.take_out(name)
    }
}

impl Shared {
    /// The seed of the proxy of this name.
    fn seed(&self, name: &str) -> u64 {
        crate::seed::split(self.seed, name)
    }

    /// No entry is left half changed by a panic.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.proxies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("proxies", &self.lock().len()).finish_non_exhaustive()
    }
}

/// [`resolve`] for a proxy that is about to start.
async fn to_listen(listen: &str) -> Result<std::net::SocketAddr, Error> {
    resolve(listen).await.map_err(|wrong| Error::Address(format!("listen tcp: {wrong}")))
}
