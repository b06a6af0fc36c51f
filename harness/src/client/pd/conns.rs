//! Connections to PD members, one each.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fake_tikv::proto::pdpb;
use tonic::Status;
use unstuck_net::Net;

use crate::client::Scale;
use crate::client::ctx::Ctx;
use crate::client::grpc::{ClientConn, DialOptions};

// How pd/client dials a member: grpc-go's back-off cut off at 3 s, and the keepalive of the TiKV tools.
const BACKOFF_BASE: Duration = Duration::from_secs(1);
const BACKOFF_MAX: Duration = Duration::from_secs(3);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
const KEEPALIVE_TIME: Duration = Duration::from_secs(10);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(3);

/// The limit of a dial that waits (pd/client/grpcutil: `dialTimeout`).
const DIAL_TIMEOUT: Duration = Duration::from_secs(3);

/// The connections, dialled when they are first asked for. They close when it drops.
#[derive(Debug)]
pub(super) struct Conns {
    net: Net,
    scale: Scale,
    seed: u64,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    conns: BTreeMap<SocketAddr, ClientConn>,
    dialled: u64,
}

impl Conns {
    pub(super) fn new(net: &Net, scale: Scale, seed: u64) -> Self {
        Self { net: net.clone(), scale, seed, table: Mutex::default() }
    }

    /// The connection to a member, in whatever state.
    pub(super) fn get(&self, member: SocketAddr) -> ClientConn {
        let mut table = self.table();
        if let Some(conn) = table.conns.get(&member) {
            return conn.clone();
        }
        let conn = ClientConn::dial(&self.net, member, self.dial_options(&mut table));
        table.conns.insert(member, conn.clone());
        conn
    }

    /// The connection that there is, in whatever state, else a new one that is READY.
    pub(super) async fn get_ready(&self, ctx: &Ctx, member: SocketAddr) -> Result<ClientConn, Status> {
        let options = {
            let mut table = self.table();
            if let Some(conn) = table.conns.get(&member) {
                return Ok(conn.clone());
            }
            self.dial_options(&mut table)
        };
        let limited = ctx.with_timeout(self.scale.timer(DIAL_TIMEOUT));
        let _released = limited.cancel_on_drop();
        let conn = Box::pin(ClientConn::dial_blocking(&limited, &self.net, member, options)).await?;
        Ok(self.table().conns.entry(member).or_insert(conn).clone())
    }

    /// Closes the connections to all others.
    pub(super) fn keep(&self, members: &[SocketAddr]) {
        self.table().conns.retain(|addr, conn| {
            let kept = members.contains(addr);
            if !kept {
                conn.close();
            }
            kept
        });
    }

    /// Of the next connection.
    fn dial_options(&self, table: &mut Table) -> DialOptions {
        let seed = self.seed.wrapping_add(table.dialled);
        table.dialled += 1;
        DialOptions {
            backoff_base: self.scale.timer(BACKOFF_BASE),
            backoff_max: self.scale.timer(BACKOFF_MAX),
            min_connect_timeout: self.scale.timer(CONNECT_TIMEOUT),
            keepalive_time: Some(self.scale.timer(KEEPALIVE_TIME)),
            keepalive_timeout: self.scale.keepalive_timeout(KEEPALIVE_TIMEOUT),
            permit_without_stream: false,
            seed,
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Conns {
    fn drop(&mut self) {
        self.table().conns.values().for_each(ClientConn::close);
    }
}

/// Who leads and who the members are, leader included, sorted; `None` if the answer names no leader that can be dialled.
pub(super) fn named(response: &pdpb::GetMembersResponse) -> Option<(SocketAddr, Vec<SocketAddr>)> {
    let leader = response.leader.as_ref().and_then(client_addr)?;
    let mut members: Vec<_> = response.members.iter().filter_map(client_addr).collect();
    members.push(leader);
    members.sort_unstable();
    members.dedup();
    Some((leader, members))
}

/// The first of a member's client URLs that we can dial: plain `http`, or a bare address.
fn client_addr(member: &pdpb::Member) -> Option<SocketAddr> {
    member.client_urls.iter().find_map(|url| {
        let addr = url.strip_prefix("http://").unwrap_or(url);
        addr.trim_end_matches('/').parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialled_at(urls: &[&str]) -> Option<String> {
        let client_urls = urls.iter().map(|&url| url.to_owned()).collect();
        client_addr(&pdpb::Member { client_urls, ..pdpb::Member::default() }).map(|addr| addr.to_string())
    }

    #[test]
    fn a_member_is_dialled_at_its_first_plain_url() {
        assert_eq!(
            dialled_at(&["https://127.0.0.1:1", "http://127.0.0.1:2/"]).as_deref(),
            Some("127.0.0.1:2")
        );
        assert_eq!(dialled_at(&["127.0.0.1:3"]).as_deref(), Some("127.0.0.1:3"));
        assert_eq!(dialled_at(&["http://pd-0.example:2379", ""]), None);
    }
}
