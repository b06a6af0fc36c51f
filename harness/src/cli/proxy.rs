//! `unstuck proxy`: the proxy as a program of its own, in the place of `toxiproxy-server`.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::LevelFilter;
use unstuck_net::Net;
use unstuck_net::tcp::{TcpConfig, TcpNet};
use unstuck_proxy::Sink;
use unstuck_proxy::control::{self, Control, Exported, Limits};
use unstuck_proxy::registry::Registry;
use unstuck_record::Event;
use unstuck_reports::text::clean;

use super::{Exit, out};

/// Arguments of `unstuck proxy`.
#[derive(Debug, Args)]
#[command(version, after_help = LOG)]
pub(super) struct ProxyArgs {
    /// The host that the API listens on. Whoever reaches it can do everything.
    #[arg(long, default_value = "127.0.0.1", value_name = "HOST")]
    host: String,
    /// The port that the API listens on; 0 is any free one, which is printed.
    #[arg(long, default_value_t = 8474, value_name = "PORT")]
    port: u16,
    /// Proxies to make at the start: a JSON array, as for `POST /populate`.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Threads that carry bytes. One adds the least latency and carries more than a gigabyte a second.
    #[arg(long, default_value_t = NonZero::<usize>::MIN, value_name = "N")]
    threads: NonZero<usize>,
    /// Every random choice of the toxics follows from it.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Exports metrics of proxies and toxics at `/metrics`.
    #[arg(long)]
    proxy_metrics: bool,
    /// Exports metrics of the runtime at `/metrics`.
    #[arg(long)]
    runtime_metrics: bool,
}

const LOG: &str = "The environment's LOG_LEVEL (trace, debug, info, warn, error, disabled; default: info) says what is logged \
                   to stderr.";

/// Serves until SIGINT or SIGTERM.
pub(super) fn run(args: &ProxyArgs) -> Exit {
    if let Err(error) = log(std::env::var("LOG_LEVEL").ok().as_deref()) {
        eprintln!("error: {error}");
        return Exit::Harness;
    }
    raise_limit();
    let mut runtime = match args.threads.get() {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = match runtime.worker_threads(args.threads.get()).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: no runtime: {error}");
            return Exit::Harness;
        }
    };
    let served = runtime.block_on(serve(args));
    // a name may still be looked up, for nobody
    runtime.shutdown_background();
    match served {
        Ok(()) => Exit::Pass,
        Err(error) => {
            eprintln!("error: {error}");
            Exit::Harness
        }
    }
}

async fn serve(args: &ProxyArgs) -> Result<(), String> {
    let no_signals = |error| format!("cannot listen for signals: {error}");
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
    let registry = Registry::new(&Net::Tcp(TcpNet::new(TcpConfig { buffer: None })), args.seed, to_log());
    if let Some(path) = &args.config {
        let file = path.display();
        let text = std::fs::read(path).map_err(|error| format!("cannot read `{file}`: {error}"))?;
        let specs = control::specs(&text).map_err(|error| format!("in `{file}`: {error}"))?;
        let (views, error) = registry.populate(specs).await;
        if let Some(error) = error {
            return Err(format!("in `{file}`: proxy {}: {error}", views.len() + 1));
        }
        for view in views {
            tracing::info!("proxy {} at {} to {}", Clean(&view.name), view.listen, Clean(&view.upstream));
        }
    }
    let exported = Exported { proxies: args.proxy_metrics, runtime: args.runtime_metrics };
    let heard = Arc::new(|what: &str| tracing::info!("{}", Clean(what)));
    let control = Control::start(registry, address(args)?, exported, Limits::default(), heard)
        .map_err(|error| error.to_string())?;
    out::say(&format!("Toxiproxy's API on http://{}, seed {}\n", control.addr(), args.seed));
    tokio::select! {
        biased;
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("stopped");
    Ok(())
}

/// As many file descriptors as the system lets us have: two for each proxy, two for each connection. Go programs do the same.
fn raise_limit() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let most = rustix::process::Rlimit { current: limit.maximum, ..limit };
    if let Err(error) = rustix::process::setrlimit(rustix::process::Resource::Nofile, most) {
        tracing::warn!("the limit of file descriptors stays at {:?}: {error}", limit.current);
    }
}

/// The first address of `--host`, of version 4 where there is one.
fn address(args: &ProxyArgs) -> Result<SocketAddr, String> {
    let no_host = |why: String| format!("`--host {}` leads nowhere: {why}", args.host);
    let found = (&args.host[..], args.port).to_socket_addrs();
    let found: Vec<_> = found.map_err(|error| no_host(error.to_string()))?.collect();
    let of_version_4 = found.iter().find(|addr| addr.is_ipv4());
    of_version_4.or(found.first()).copied().ok_or_else(|| no_host("it has no address".to_owned()))
}

fn log(level: Option<&str>) -> Result<(), String> {
    let level = match level.unwrap_or("info") {
        "trace" => LevelFilter::TRACE,
        "debug" => LevelFilter::DEBUG,
        "info" | "" => LevelFilter::INFO,
        "warn" | "warning" => LevelFilter::WARN,
        "error" | "fatal" | "panic" => LevelFilter::ERROR,
        "disabled" => LevelFilter::OFF,
        other => {
            return Err(format!(
                "LOG_LEVEL is `{other}`, choose from trace, debug, info, warn, error, disabled"
            ));
        }
    };
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_target(false).with_max_level(level).init();
    Ok(())
}

/// Connections come and go in the log.
fn to_log() -> Sink {
    Arc::new(|event| match event {
        Event::ConnOpened { link, conn } => tracing::info!("connection {conn} of {} opened", Clean(&link)),
        Event::ConnClosed { link, conn, how } => {
            tracing::info!("connection {conn} of {} ended: {how}", Clean(&link));
        }
        _ => {}
    })
}

/// A name that whoever asked has chosen, without what a terminal would obey.
struct Clean<'a>(&'a str);

impl fmt::Display for Clean<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", clean(self.0))
    }
}
