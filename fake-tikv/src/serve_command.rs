//! The program: a cluster from ready to stopped.

use std::error::Error;
use std::io::Write;
use std::time::Duration;

use fake_tikv::admin::Admin;
use fake_tikv::{Cluster, Node};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use unstuck_net::Net;
use unstuck_net::tcp::{TcpConfig, TcpNet};

use crate::args::Args;

/// How often what happened by itself is logged.
const LOOK: Duration = Duration::from_millis(100);

/// Serves until a signal, or the admin API, asks for the end.
pub(crate) fn serve(args: &Args) -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_target(false).init();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(args))
}

async fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let (builder, admin_port) = (args.cluster()?, args.admin_port()?);
    let net = Net::Tcp(TcpNet::new(TcpConfig { buffer: None }));
    let cluster = builder.start(&net).await?;
    let admin = Admin::serve(cluster.clone(), admin_port).await?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{}", ready(&cluster, &admin))?;
    stdout.flush()?;
    let mut look = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            biased;
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            () = admin.asked_to_stop() => break,
            _ = look.tick() => {
                for (_, what) in cluster.take_changes() {
                    tracing::info!("{what}");
                }
            }
        }
    }
    cluster.shutdown();
    tracing::info!("stopped");
    Ok(())
}

/// What a client needs to know, in one line.
fn ready(cluster: &Cluster, admin: &Admin) -> serde_json::Value {
    let (mut pd, mut tikv) = (Vec::new(), Vec::new());
    for (node, address) in cluster.told() {
        match node {
            Node::Pd(_) => pd.push(address.to_string()),
            Node::Store(id) => tikv.push(json!({ "id": id, "address": address.to_string() })),
        }
    }
    let admin = format!("http://{}", admin.addr());
    json!({ "clusterId": cluster.id(), "pd": pd, "tikv": tikv, "admin": admin })
}
