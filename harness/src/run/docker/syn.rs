//! SYNs that are lost at a node: a rule of nftables within the node's network, set from this machine.

use std::io::{self, Write as _};
use std::net::SocketAddrV4;
use std::process::{Command, Stdio};

use serde_json::Value;

/// A rule, gone with [`Lost::heal`] or with the node's network.
#[derive(Debug)]
pub(super) struct Lost {
    pid: u32,
    table: String,
}

impl Lost {
    const FAMILY: &str = "inet";

    /// From now on the process's network loses each SYN to this address.
    pub(super) fn begin(pid: u32, addr: SocketAddrV4, fault: usize) -> io::Result<Self> {
        let lost = Self { pid, table: format!("unstuck_{fault}") };
        // a SYN that is sent again is the same connect
        let script = format!(
            "table {} {} {{
               set connects {{ type ipv4_addr . inet_service; flags dynamic; size 65535; }}
               chain input {{
                 type filter hook input priority filter; policy accept;
                 ip daddr {} tcp dport {} tcp flags & (fin|syn|rst|ack) == syn add @connects {{ ip saddr . tcp sport }} drop
               }}
             }}",
            Self::FAMILY,
            lost.table,
            addr.ip(),
            addr.port(),
        );
        lost.nft(&["--file", "-"], &script)?;
        Ok(lost)
    }

    /// How many connects it has met.
    pub(super) fn connects(&self) -> io::Result<u64> {
        let [family, table] = [Self::FAMILY, &self.table];
        let listed = self.nft(&["--json", "list", "set", family, table, "connects"], "")?;
        let listed: Value = serde_json::from_str(&listed)?;
        let sets = listed["nftables"].as_array().into_iter().flatten();
        Ok(sets.filter_map(|one| one["set"]["elem"].as_array()).map(|elements| elements.len() as u64).sum())
    }

    pub(super) fn heal(&self) -> io::Result<()> {
        self.nft(&["delete", "table", Self::FAMILY, &self.table], "").map(drop)
    }

    /// What nft prints, within the process's network.
    fn nft(&self, args: &[&str], script: &str) -> io::Result<String> {
        let needs = |error: io::Error| {
            let needs = "`syn_drop` needs `nsenter`, `nft` (Debian: `nftables`) and root";
            io::Error::new(error.kind(), format!("{needs}: {error}"))
        };
        let mut nft = Command::new("nsenter")
            .args([&format!("--net=/proc/{}/ns/net", self.pid), "nft"])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(needs)?;
        // one that reads nothing has ended, and says why
        let _broken_pipe = nft.stdin.take().expect("it is piped").write_all(script.as_bytes());
        let output = nft.wait_with_output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(needs(io::Error::other(said.trim().to_owned())));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
