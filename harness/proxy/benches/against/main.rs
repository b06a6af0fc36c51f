//! This proxy beside Toxiproxy, `HAProxy` in TCP mode and a direct connection: the same load, in turn, several rounds.
//!
//! ```text
//!   load (threads of this process) ──► one of: nothing, ours, toxiproxy, haproxy (a process each) ──► node (threads here)
//! ```
//!
//! `cargo bench -p unstuck-proxy --bench against -- [ROUNDS [streams|trips|idle]]`. Programs are looked for in `PATH`, or where `TOXIPROXY` and
//! `HAPROXY` say; those that are not there are named. CPU and memory are those of the proxy's process, from `/proc`.
//! Prints a Markdown table, in each cell the median and the best of the rounds: the machine's noise is in them, so compare
//! within a row.

mod load;
mod process;
mod routes;
mod table;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use unstuck_net::Net;
use unstuck_net::tcp::{TcpConfig, TcpNet};
use unstuck_proxy::Proxy;

use crate::load::Node;
use crate::routes::Route;
use crate::table::Table;

/// Streams at once, and how many bytes they carry together.
const THROUGHPUT: [(usize, u64); 3] = [(1, 2 << 30), (16, 2 << 30), (256, 2 << 30)];
const PINGS: usize = 20_000;
const CONNECTS: usize = 4_000;
/// Both ends of each, here and in the proxy, within the usual hard limit of 20,000 descriptors.
const IDLE: usize = 9_900;

fn main() -> io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match &args[..] {
        [mode, upstream, threads] if mode == "forward" => {
            forward(upstream.parse().expect("an address"), threads.parse().expect("a number"))
        }
        [] => compare(3, None),
        [rounds] => compare(rounds.parse().expect("a number of rounds"), None),
        [rounds, part] => compare(rounds.parse().expect("a number of rounds"), Some(part)),
        _ => panic!("arguments: [ROUNDS [streams|trips|idle]]"),
    }
}

/// Ours as a process of its own; ends with its standard input.
fn forward(upstream: SocketAddr, threads: usize) -> io::Result<()> {
    let runtime = match threads {
        1 => tokio::runtime::Builder::new_current_thread().enable_all().build()?,
        _ => tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?,
    };
    runtime.block_on(async {
        let net = Net::Tcp(TcpNet::new(TcpConfig { buffer: None }));
        let proxy = Proxy::start(&net, "bench".to_owned(), upstream, 1, Arc::new(|_| {}))?;
        println!("{}", proxy.addr());
        io::stdout().flush()?;
        let (tell, told) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || tell.send(io::copy(&mut io::stdin(), &mut io::sink())));
        let _ended = told.await;
        Ok(())
    })
}

fn compare(rounds: usize, only: Option<&str>) -> io::Result<()> {
    let wanted = |part| only.is_none_or(|only| only == part);
    let (sink, echo, host) = (Node::sink()?, Node::echo()?, Node::host()?);
    let (routes, missing) = Route::all();
    let mut table = Table::new(routes.iter().map(Route::name));
    for round in 1..=rounds {
        for (streams, bytes) in THROUGHPUT.into_iter().filter(|_| wanted("streams")) {
            for route in &routes {
                eprintln!("round {round} of {rounds}: {streams} streams, {}", route.name());
                let path = route.open(sink.addr())?;
                let before = path.cpu();
                let took = load::stream(path.addr(), streams, bytes / streams as u64)?;
                let gigabytes = bytes as f64 / 1e9;
                table.add(format!("{streams} streams, GB/s"), route.name(), gigabytes / took.as_secs_f64());
                if let (Some(before), Some(after)) = (before, path.cpu()) {
                    let cpu = after.saturating_sub(before).as_secs_f64() / gigabytes;
                    table.add(format!("{streams} streams, CPU s/GB"), route.name(), cpu);
                }
            }
        }
        for route in routes.iter().filter(|_| wanted("trips")) {
            eprintln!("round {round} of {rounds}: round trips and connects, {}", route.name());
            let path = route.open(echo.addr())?;
            let mut times = load::ping(path.addr(), PINGS)?;
            times.sort();
            let micros = |share: f64| times[(times.len() as f64 * share) as usize].as_secs_f64() * 1e6;
            table.add("64 B round trip p50, us".into(), route.name(), micros(0.5));
            table.add("64 B round trip p99, us".into(), route.name(), micros(0.99));
            let took = load::connect(path.addr(), CONNECTS)?;
            table.add("connects/s".into(), route.name(), CONNECTS as f64 / took.as_secs_f64());
        }
        for route in routes.iter().filter(|_| wanted("idle")) {
            eprintln!("round {round} of {rounds}: {IDLE} idle connections, {}", route.name());
            let path = route.open(host.addr())?;
            let Some(before) = path.memory() else { continue };
            let idle = load::idle(path.addr(), IDLE)?;
            let after = path.memory().expect("it was there before");
            table.add(
                "memory of an idle connection, KiB".into(),
                route.name(),
                (after - before) / IDLE as f64,
            );
            drop(idle);
            host.forget();
        }
    }
    print!("{table}");
    for name in missing {
        println!("not on this machine: {name}");
    }
    Ok(())
}
