//! A node's container, and what befalls it.

use std::io;
use std::net::{SocketAddr, SocketAddrV4, TcpListener};
use std::path::Path;

use unstuck_record::Evidence;

use super::engine::{LABEL, docker, first_line, pid, remove};
use super::network::Network;
use super::sockets::{self, Socket, State};
use super::syn::Lost;
use crate::fault::ContainerFault;

/// The image of `.ci/image`, of this version.
pub(super) const IMAGE: &str = concat!("unstuck:", env!("CARGO_PKG_VERSION"));

/// The port of a PD member, PD's own.
pub(super) const PD: u16 = 2379;
/// The port of a store, TiKV's own.
pub(super) const STORE: u16 = 20160;

/// A container, which is gone when this drops.
#[derive(Debug)]
pub(super) struct Container {
    name: String,
    network: String,
    /// Where clients find the node.
    pub(super) addr: SocketAddrV4,
    /// Where the container relays to: on this machine, which has that address for this network alone.
    pub(super) upstream: SocketAddrV4,
}

/// How a fault on a container heals.
#[derive(Debug)]
pub(super) enum Undo {
    Start,
    Unpause,
    Connect,
    Restore(Lost),
}

impl Undo {
    /// Whether it takes a look at the clients to know what the fault touches.
    pub(super) fn is_seen_by_clients(&self) -> bool {
        matches!(self, Undo::Connect)
    }
}

impl Container {
    /// Starts a node's. When this returns it accepts.
    pub(super) fn start(node: &str, port: u16, network: &Network, folder: &Path) -> io::Result<Self> {
        // nobody else has a reason to listen there before we do
        let SocketAddr::V4(upstream) = TcpListener::bind((network.gateway(), 0))?.local_addr()? else {
            unreachable!("the gateway's address is of version 4")
        };
        let addr = SocketAddrV4::new(network.next()?, port);
        let config = folder.join(format!("{node}.json"));
        let proxy =
            serde_json::json!([{ "name": node, "listen": addr, "upstream": upstream, "enabled": true }]);
        std::fs::write(&config, proxy.to_string())?;
        let container =
            Self { name: format!("{}-{node}", network.name), network: network.name.clone(), addr, upstream };
        let label = format!("{LABEL}={}", std::process::id());
        let (ip, mount) = (addr.ip().to_string(), format!("{}:/node.json:ro", config.display()));
        let arguments = ["run", "--detach", "--pull", "never", "--label", &label, "--name", &container.name]
            .into_iter()
            .chain(["--network", &network.name, "--ip", &ip, "--volume", &mount, "--cap-drop", "ALL"])
            .chain(["--env", "LOG_LEVEL=disabled", IMAGE, "proxy", "--port", "0", "--config", "/node.json"]);
        docker(&arguments.collect::<Vec<_>>())?;
        first_line(&container.name)?;
        Ok(container)
    }

    /// Begins a fault; what it touched at once, and how it heals.
    pub(super) fn suffer(&self, what: ContainerFault, fault: usize) -> io::Result<(Evidence, Undo)> {
        let nothing = Evidence::default();
        Ok(match what {
            ContainerFault::Stop | ContainerFault::Kill => {
                let pid = pid(&self.name)?;
                let before = self.connections(pid)?;
                let how = if what == ContainerFault::Kill { "kill" } else { "stop" };
                docker(&[how, &self.name])?;
                // its network goes with its last process
                let closed = before.saturating_sub(self.connections(pid).unwrap_or(0));
                (Evidence { closed, ..nothing }, Undo::Start)
            }
            ContainerFault::Pause => {
                docker(&["pause", &self.name])?;
                (nothing, Undo::Unpause)
            }
            ContainerFault::Disconnect => {
                docker(&["network", "disconnect", "--force", &self.network, &self.name])?;
                (nothing, Undo::Connect)
            }
            ContainerFault::DropSyn => {
                (nothing, Undo::Restore(Lost::begin(pid(&self.name)?, self.addr, fault)?))
            }
        })
    }

    /// What a fault has touched meanwhile. `clients` are the sockets of those who talk to the node.
    pub(super) fn touched(&self, undo: &Undo, clients: &[Socket]) -> io::Result<Evidence> {
        let nothing = Evidence::default();
        Ok(match undo {
            Undo::Start => nothing,
            Undo::Unpause => {
                // what its kernel has taken for a process that stands still
                let here = self.sockets(pid(&self.name)?)?;
                let unread =
                    |state| here.iter().filter(move |one| one.state == state).map(|one| one.unread).sum();
                Evidence { bytes: unread(State::Established), refused: unread(State::Listening), ..nothing }
            }
            Undo::Connect => {
                // what waits for its acknowledgement for a moment is not held
                let to_here = clients.iter().filter(|one| one.remote == self.addr && one.sent_again > 0);
                to_here.fold(nothing, |all, one| {
                    let connecting = one.state == State::Connecting;
                    // a SYN is no byte of the client's
                    let bytes = if connecting { 0 } else { one.unacknowledged };
                    all.plus(Evidence { bytes, refused: u64::from(connecting), ..nothing })
                })
            }
            Undo::Restore(lost) => Evidence { refused: lost.connects()?, ..nothing },
        })
    }

    pub(super) fn heal(&self, undo: &Undo) -> io::Result<()> {
        match undo {
            Undo::Start => docker(&["start", &self.name]).map(drop),
            Undo::Unpause => docker(&["unpause", &self.name]).map(drop),
            Undo::Connect => {
                let ip = self.addr.ip().to_string();
                docker(&["network", "connect", "--ip", &ip, &self.network, &self.name]).map(drop)
            }
            Undo::Restore(lost) => lost.heal(),
        }
    }

    /// How many clients are connected.
    fn connections(&self, pid: u32) -> io::Result<u64> {
        Ok(self.sockets(pid)?.iter().filter(|one| one.state == State::Established).count() as u64)
    }

    /// The sockets of the node's own address, in the network of its process.
    fn sockets(&self, pid: u32) -> io::Result<Vec<Socket>> {
        let mut all = sockets::of(pid)?;
        all.retain(|one| one.local == self.addr);
        Ok(all)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        remove(&self.name);
    }
}
