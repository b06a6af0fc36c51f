//! The network of one run: a bridge of this machine, with addresses of its own.

use std::io;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use super::engine::{LABEL, docker};

/// Networks are 10.213.N.0/24: fixed addresses are had only where the range is given.
const RANGE: [u8; 2] = [10, 213];
/// From here on addresses are for programs under test.
const CLIENTS: u8 = 200;

/// A network, which is gone when this drops.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) name: String,
    third: u8,
    given: AtomicU8,
}

impl Network {
    /// The first that is free.
    pub(super) fn create() -> io::Result<Self> {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let process = std::process::id();
        let name = format!("{LABEL}-{process}-{}", MADE.fetch_add(1, Ordering::Relaxed));
        let label = format!("{LABEL}={process}");
        for third in 0..=u8::MAX {
            let subnet = format!("{}/24", addr(third, 0));
            match docker(&["network", "create", "--label", &label, "--subnet", &subnet, &name]) {
                Ok(_) => return Ok(Self { name, third, given: AtomicU8::new(1) }),
                Err(taken) if taken.to_string().contains("overlaps") => {}
                Err(error) => return Err(error),
            }
        }
        let [a, b] = RANGE;
        Err(io::Error::other(format!(
            "every network of {a}.{b}.0.0/16 is taken: `docker network prune` removes unused ones"
        )))
    }

    /// This machine, as containers see it.
    pub(super) fn gateway(&self) -> Ipv4Addr {
        addr(self.third, 1)
    }

    /// The first address of programs under test; all after it are theirs.
    pub(super) fn clients(&self) -> Ipv4Addr {
        addr(self.third, CLIENTS)
    }

    /// An address that no node has.
    pub(super) fn next(&self) -> io::Result<Ipv4Addr> {
        let before = self.given.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
            last.checked_add(1).filter(|next| *next < CLIENTS)
        });
        let before =
            before.map_err(|_| io::Error::other("a network of containers has 198 addresses for nodes"))?;
        Ok(addr(self.third, before + 1))
    }
}

fn addr(third: u8, host: u8) -> Ipv4Addr {
    let [a, b] = RANGE;
    Ipv4Addr::new(a, b, third, host)
}

impl Drop for Network {
    fn drop(&mut self) {
        let _told_by_the_next_sweep = docker(&["network", "rm", &self.name]);
    }
}
