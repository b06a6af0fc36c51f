//! One proxy of a registry, whether it runs or not.

use std::net::SocketAddr;
use std::sync::Arc;

use unstuck_record::Evidence;

use super::address::cannot_listen;
use super::{ConnView, Error, ProxyView, Shared, ToxicView};
use crate::{Guard, Met, Placed, Proxy, Stats, Toxic, Upstream};

/// A named proxy and its toxics.
#[derive(Debug)]
pub(super) struct Entry {
    name: String,
    /// As written while it has never run, else the address.
    pub(super) listen: String,
    pub(super) upstream: String,
    engine: Engine,
    /// In the order in which they were added, over both streams.
    toxics: Vec<Slot>,
    /// What the engines before this one have counted.
    before: Stats,
}

#[derive(Debug)]
enum Engine {
    /// Its port is free.
    Stopped,
    Running(Proxy),
    /// Somebody else's, whose clients know its address: it keeps its port while it is disabled.
    Link {
        proxy: Proxy,
        disabled: Option<Guard>,
    },
}

#[derive(Debug)]
struct Slot {
    name: String,
    /// As written.
    stream: String,
    toxic: Toxic,
    /// `None` while the proxy is stopped.
    placed: Option<Placed>,
    /// What it had met and touched when the proxy was stopped last.
    before: (Met, Evidence),
}

// === impl Entry ===

impl Entry {
    pub(super) fn stopped(name: String, listen: String, upstream: String) -> Self {
        Self { name, listen, upstream, engine: Engine::Stopped, toxics: vec![], before: Stats::default() }
    }

    pub(super) fn link(proxy: Proxy) -> Self {
        Self {
            name: proxy.name().to_owned(),
            listen: proxy.addr().to_string(),
            upstream: proxy.upstream().to_string(),
            engine: Engine::Link { proxy, disabled: None },
            toxics: vec![],
            before: Stats::default(),
        }
    }

    pub(super) fn is_link(&self) -> bool {
        matches!(self.engine, Engine::Link { .. })
    }

    pub(super) fn is_enabled(&self) -> bool {
        match &self.engine {
            Engine::Stopped => false,
            Engine::Running(_) => true,
            Engine::Link { disabled, .. } => disabled.is_none(),
        }
    }

    /// Lets connections in. `at` is where `listen` leads.
    pub(super) fn enable(&mut self, shared: &Shared, at: SocketAddr) -> Result<(), Error> {
        match &mut self.engine {
            Engine::Running(_) => {}
            Engine::Link { disabled, .. } => *disabled = None,
            Engine::Stopped => {
                let _within = shared.runtime.enter();
                let proxy = Proxy::start_at(
                    &shared.net,
                    at,
                    self.name.clone(),
                    Upstream::parse(&self.upstream),
                    shared.seed(&self.name),
                    Arc::clone(&shared.sink),
                );
                let proxy = proxy.map_err(|error| Error::Address(cannot_listen(at, &error)))?;
                self.listen = proxy.addr().to_string();
                for slot in &mut self.toxics {
                    slot.placed = Some(proxy.add(slot.toxic.clone()).expect("it was checked when it came"));
                }
                self.engine = Engine::Running(proxy);
            }
        }
        Ok(())
    }

    /// Refuses connections and closes those that there are. The toxics stay.
    pub(super) fn disable(&mut self) {
        match &mut self.engine {
            Engine::Stopped => {}
            Engine::Link { proxy, disabled } => {
                disabled.get_or_insert_with(|| proxy.switch_off());
            }
            Engine::Running(proxy) => {
                proxy.shutdown();
                self.before = self.before.plus(Stats { conns: 0, streams: 0, ..proxy.stats() });
                for slot in &mut self.toxics {
                    let (met, evidence) = slot.so_far();
                    slot.before = (Met { live: 0, ..met }, evidence);
                    slot.placed = None;
                }
                self.engine = Engine::Stopped;
            }
        }
    }

    // === toxics ===

    pub(super) fn toxic(&self, name: &str) -> Option<ToxicView> {
        self.toxics.iter().find(|slot| slot.name == name).map(Slot::view)
    }

    pub(super) fn add(&mut self, name: String, stream: String, toxic: Toxic) -> Result<ToxicView, Error> {
        toxic.check()?;
        if self.toxics.iter().any(|slot| slot.name == name) {
            return Err(Error::ToxicExists);
        }
        let placed = self.proxy().map(|proxy| proxy.add(toxic.clone())).transpose()?;
        let slot = Slot { name, stream, toxic, placed, before: (Met::default(), Evidence::default()) };
        let view = slot.view();
        self.toxics.push(slot);
        Ok(view)
    }

    /// Its direction and type stay as they are.
    pub(super) fn change(&mut self, name: &str, toxic: Toxic) -> Result<ToxicView, Error> {
        toxic.check()?;
        let slot = self.toxics.iter_mut().find(|slot| slot.name == name).ok_or(Error::NoSuchToxic)?;
        if let Some(placed) = &slot.placed {
            placed.update(toxic.clone())?;
        }
        slot.toxic = toxic;
        Ok(slot.view())
    }

    pub(super) fn take_out(&mut self, name: &str) -> Result<(), Error> {
        let at = self.toxics.iter().position(|slot| slot.name == name).ok_or(Error::NoSuchToxic)?;
        drop(self.toxics.remove(at));
        Ok(())
    }

    pub(super) fn take_out_all(&mut self) {
        self.toxics.clear();
    }

    // === what it is like ===

    pub(super) fn view(&self) -> ProxyView {
        let mut toxics: Vec<_> = self.toxics.iter().map(Slot::view).collect();
        toxics.sort_by_key(|view| view.toxic.stream);
        ProxyView {
            name: self.name.clone(),
            listen: self.listen.clone(),
            upstream: self.upstream.clone(),
            enabled: self.is_enabled(),
            toxics,
            stats: self.proxy().map_or(self.before, |proxy| self.before.plus(proxy.stats())),
        }
    }

    pub(super) fn conns(&self) -> Vec<ConnView> {
        let Some(proxy) = self.proxy() else { return vec![] };
        let by_fault: Vec<_> =
            proxy.toxics().into_iter().filter_map(|one| Some((one.id, one.fault?))).collect();
        let name = |id: &u64| {
            let of_ours =
                self.toxics.iter().find(|slot| slot.placed.as_ref().is_some_and(|own| own.id() == *id));
            let of_fault = || by_fault.iter().find(|(other, _)| other == id);
            match of_ours {
                Some(slot) => slot.name.clone(),
                None => of_fault().map_or("?".to_owned(), |(_, fault)| format!("fault {fault}")),
            }
        };
        let view =
            |conn: crate::ConnStatus| ConnView { toxics: conn.toxics.iter().map(name).collect(), conn };
        proxy.conns().into_iter().map(view).collect()
    }

    fn proxy(&self) -> Option<&Proxy> {
        match &self.engine {
            Engine::Stopped => None,
            Engine::Running(proxy) | Engine::Link { proxy, .. } => Some(proxy),
        }
    }
}

impl Slot {
    /// What it has met and touched.
    fn so_far(&self) -> (Met, Evidence) {
        let (met, evidence) = self.before;
        match self.placed.as_ref().and_then(Placed::status) {
            Some(now) => (met.plus(now.met), evidence.plus(now.evidence)),
            None => (met, evidence),
        }
    }

    fn view(&self) -> ToxicView {
        let status = self.placed.as_ref().and_then(Placed::status);
        let (met, evidence) = self.so_far();
        ToxicView {
            name: self.name.clone(),
            stream: self.stream.clone(),
            toxic: self.toxic.clone(),
            since: status.as_ref().map(|status| status.since),
            in_force: status.is_some_and(|status| status.in_force),
            met,
            evidence,
        }
    }
}
