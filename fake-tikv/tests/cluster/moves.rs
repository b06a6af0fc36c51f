//! Moves of a running cluster, as clients see them.

use std::io::ErrorKind;
use std::time::Duration;

use fake_tikv::proto::import_sstpb::SwitchModeRequest;
use fake_tikv::proto::pdpb::GetStoreRequest;
use fake_tikv::{Cluster, Direction, Node};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};
use unstuck_net::Net;
use unstuck_net::tcp::{TcpConfig, TcpNet};

use crate::fixture::{Fixture, context, leader, spec, with};

/// The client's connection preface and empty SETTINGS.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// What PD tells of a store's address.
async fn told(f: &Fixture, store: u64) -> String {
    let request = GetStoreRequest { store_id: store, ..Default::default() };
    f.pd_leader().await.get_store(request).await.unwrap().into_inner().store.unwrap().address
}

#[test]
fn a_frozen_store_takes_bytes_up_to_the_buffers_answers_nothing_and_goes_on_where_it_was() {
    with(spec(), |f| async move {
        let mut healthy = f.import(2).await;
        healthy.switch_mode(SwitchModeRequest::default()).await.unwrap();
        f.cluster.freeze(Node::Store(2));

        let mut waiting = healthy.clone();
        let call = tokio::spawn(async move { waiting.switch_mode(SwitchModeRequest::default()).await });
        let mut raw = f.net.connect(f.addr(Node::Store(2))).await.unwrap();
        raw.write_all(PREFACE).await.unwrap();
        let flood = vec![0; 16 << 20];
        assert!(timeout(Duration::from_secs(30), raw.write_all(&flood)).await.is_err(), "buffers are finite");
        assert!(timeout(Duration::from_secs(30), raw.read(&mut [0; 9])).await.is_err(), "not even SETTINGS");
        assert!(!call.is_finished());
        // its leads have moved, after the election time
        assert!(f.regions().await.iter().all(|region| leader(region).store_id != 2));

        f.cluster.resume(Node::Store(2));
        timeout(Duration::from_secs(1), call).await.expect("it goes on").unwrap().unwrap();
        assert!(f.regions().await.iter().all(|region| leader(region).store_id != 2));
        let changes: Vec<_> = f.changes().into_iter().map(|(_, what)| what).collect();
        assert_eq!(changes, ["tikv-2 is frozen", "2 leaders moved off tikv-2", "tikv-2 goes on"]);
    });
}

#[test]
fn a_frozen_store_can_be_stopped_and_comes_back_running() {
    with(spec(), |f| async move {
        f.cluster.freeze(Node::Store(2));
        f.cluster.stop(Node::Store(2));
        f.cluster.restart(Node::Store(2));
        sleep(Duration::from_millis(10)).await;
        f.import(2).await.switch_mode(SwitchModeRequest::default()).await.unwrap();
    });
}

#[test]
fn a_frozen_store_is_as_silent_on_real_sockets() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let net = Net::Tcp(TcpNet::new(TcpConfig::default()));
        let cluster = Cluster::builder().start(&net).await.unwrap();
        let addr = cluster.nodes()[1].1;
        let hello = async || {
            let mut conn = net.connect(addr).await.unwrap();
            conn.write_all(PREFACE).await.unwrap();
            conn
        };
        let mut settings = [0; 9];
        // a watchdog: the healthy path answers at once
        let bound = Duration::from_secs(30);
        timeout(bound, hello().await.read_exact(&mut settings)).await.expect("it answers").unwrap();
        cluster.freeze(Node::Store(1));
        let mut silent = hello().await;
        // whatever runs in this thread has run when this is over: an answer would be there
        assert!(timeout(Duration::from_millis(200), silent.read(&mut settings)).await.is_err());
        cluster.resume(Node::Store(1));
        timeout(bound, silent.read_exact(&mut settings)).await.expect("it goes on").unwrap();
        cluster.shutdown();
    });
}

#[test]
fn a_store_that_moves_refuses_at_the_old_address_and_pd_tells_the_new_one_soon() {
    with(spec(), |f| async move {
        let before = f.addr(Node::Store(3));
        let now = f.cluster.change_address(3).unwrap();
        assert_ne!(before, now);
        assert_eq!(f.addr(Node::Store(3)), now);
        sleep(Duration::from_secs(1)).await;
        assert_eq!(f.net.connect(before).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        f.import(3).await.switch_mode(SwitchModeRequest::default()).await.unwrap();
        assert_eq!(told(&f, 3).await, before.to_string());
        sleep(Duration::from_secs(10)).await;
        assert_eq!(told(&f, 3).await, now.to_string());
        assert_eq!(f.cluster.change_address(9).unwrap_err().kind(), ErrorKind::NotFound);
    });
}

#[test]
fn a_store_joins_takes_peers_and_leaves_again() {
    with(spec(), |f| async move {
        let (id, addr) = f.cluster.add_store().unwrap();
        assert_eq!(told(&f, id).await, addr.to_string());
        f.import(id).await.switch_mode(SwitchModeRequest::default()).await.unwrap();
        let region = f.regions().await[0].clone();
        let meta = region.region.clone().unwrap();
        f.cluster.move_peer(meta.id, leader(&region).store_id, id).unwrap();
        f.cluster.transfer_leader(meta.id, id).unwrap();
        // what the client knew is an old epoch now, and another leader
        let request = fake_tikv::proto::kvrpcpb::RawGetRequest {
            context: Some(context(&region)),
            ..Default::default()
        };
        let answer = f.tikv(leader(&region).store_id).await.raw_get(request).await.unwrap().into_inner();
        assert!(answer.region_error.unwrap().region_not_found.is_some());
        assert_eq!(leader(&f.regions().await[0]).store_id, id);
        assert!(f.cluster.tombstone(id).is_err());
        f.cluster.offline(id).unwrap();
        sleep(Duration::from_secs(60)).await;
        f.cluster.tombstone(id).unwrap();
        assert!(
            f.regions().await.iter().all(|r| r
                .region
                .as_ref()
                .unwrap()
                .peers
                .iter()
                .all(|p| p.store_id != id))
        );
        sleep(Duration::from_secs(1)).await;
        assert!(f.net.connect(addr).await.is_err());
    });
}

#[test]
fn a_tombstone_does_not_start_again() {
    with(spec(), |f| async move {
        let (id, addr) = f.cluster.add_store().unwrap();
        f.cluster.tombstone(id).unwrap();
        f.changes();
        assert!(f.cluster.may_start(Node::Store(id)).is_err() && f.cluster.may_start(Node::Store(1)).is_ok());
        f.cluster.restart(Node::Store(id));
        assert_eq!(f.cluster.change_address(id).unwrap_err().kind(), ErrorKind::InvalidInput);
        sleep(Duration::from_secs(1)).await;
        assert!(f.net.connect(addr).await.is_err());
        let name = Node::Store(id);
        let said: Vec<_> = f.changes().into_iter().map(|(_, what)| what).collect();
        assert_eq!(said, [format!("{name} does not start: `{name}` is Tombstone")]);
    });
}

#[test]
fn a_pd_leader_cut_off_from_its_followers_answers_no_more_than_they_let_it() {
    with(spec(), |f| async move {
        let old = f.cluster.pd_leader();
        let followers: Vec<_> = (0..3).filter(|member| *member != old).map(Node::Pd).collect();
        assert_eq!(f.cluster.partition(&[Node::Pd(old)], &followers, Direction::Both), Ok(2));
        sleep(Duration::from_secs(10)).await;
        assert_ne!(f.cluster.pd_leader(), old);
        f.regions().await;
        let error =
            f.pd(old).await.get_all_stores(fake_tikv::proto::pdpb::GetAllStoresRequest::default()).await;
        assert_eq!(error.unwrap_err().message(), "not leader");
    });
}
