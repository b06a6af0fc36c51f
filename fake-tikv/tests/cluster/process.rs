//! Processes: how they end, come back, and what they bear.

use std::io::ErrorKind;
use std::time::Duration;

use fake_tikv::proto::import_sstpb::{SwitchModeRequest, WriteRequest};
use fake_tikv::proto::pdpb::GetMembersRequest;
use fake_tikv::{Node, Spec};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::fixture::{Fixture, spec, with};

/// The client's connection preface and empty SETTINGS.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// A write whose client never says anything: its stream, which stays open as long as the task.
async fn open_write(f: &Fixture, store: u64) -> tokio::task::JoinHandle<tonic::Status> {
    let mut client = f.import(store).await;
    tokio::spawn(async move {
        client.write(tokio_stream::pending::<WriteRequest>()).await.expect_err("nothing was written")
    })
}

#[test]
fn a_stop_ends_connections_and_handlers_and_a_restart_serves_again() {
    with(spec(), |f| async move {
        let mut idle = f.import(2).await;
        idle.switch_mode(SwitchModeRequest::default()).await.unwrap();
        let waiting = open_write(&f, 2).await;
        sleep(Duration::from_secs(1)).await;
        assert_eq!(f.cluster.observed().open_streams[1], (2, 1));
        let mut raw = f.net.connect(f.addr(Node::Store(2))).await.unwrap();

        f.cluster.stop(Node::Store(2));
        waiting.await.unwrap();
        assert_eq!(f.cluster.observed().open_streams[1], (2, 0));
        assert_eq!(raw.read(&mut [0; 8]).await.unwrap_or(0), 0, "end or reset, no byte");
        assert!(idle.switch_mode(SwitchModeRequest::default()).await.is_err());
        let refused = f.net.connect(f.addr(Node::Store(2))).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);

        // restarted within the same instant too: the port is the old one
        f.cluster.restart(Node::Store(2));
        sleep(Duration::from_millis(10)).await;
        f.import(2).await.switch_mode(SwitchModeRequest::default()).await.unwrap();
        f.cluster.stop(Node::Store(2));
        f.cluster.restart(Node::Store(2));
        sleep(Duration::from_millis(10)).await;
        f.import(2).await.switch_mode(SwitchModeRequest::default()).await.unwrap();
    });
}

#[test]
fn changes_are_told_in_words_with_the_time_they_were_due() {
    with(spec(), |f| async move {
        sleep(Duration::from_secs(1)).await;
        f.cluster.stop(Node::Store(2));
        f.cluster.stop(Node::Store(2));
        sleep(Duration::from_secs(60)).await;
        f.cluster.restart(Node::Store(2));
        f.cluster.restart(Node::Store(2));
        let changes = f.changes();
        let changes: Vec<_> = changes.iter().map(|(ms, what)| (*ms, what.as_str())).collect();
        assert_eq!(changes, [(11_000, "2 leaders moved off tikv-2"), (61_000, "tikv-2 is up again")]);
        assert_eq!(f.changes(), []);
    });
}

#[test]
fn the_stream_limit_is_advertised_and_enforced() {
    with(Spec { max_concurrent_streams: 3, ..spec() }, |f| async move {
        let mut raw = f.net.connect(f.addr(Node::Store(1))).await.unwrap();
        raw.write_all(PREFACE).await.unwrap();
        let mut settings = [0; 128];
        let n = raw.read(&mut settings).await.unwrap();
        // SETTINGS_MAX_CONCURRENT_STREAMS has the number 3
        assert!(settings[..n].windows(6).any(|s| s == [0, 3, 0, 0, 0, 3]), "{:?}", &settings[..n]);

        // five calls on one connection: tonic waits with the fourth until the server allows it
        let client = f.import(1).await;
        let calls: Vec<_> = (0..5)
            .map(|_| {
                let mut client = client.clone();
                tokio::spawn(async move { client.write(tokio_stream::pending::<WriteRequest>()).await })
            })
            .collect();
        sleep(Duration::from_secs(1)).await;
        assert_eq!(f.cluster.observed().open_streams[0], (1, 3));
        for call in calls {
            call.abort();
        }
    });
}

#[test]
fn a_client_that_gives_up_all_its_streams_at_once_keeps_its_connection() {
    with(Spec { max_concurrent_streams: 1024, ..spec() }, |f| async move {
        let client = f.import(1).await;
        for _ in 0..3 {
            let calls: Vec<_> = (0..1024)
                .map(|_| {
                    let mut client = client.clone();
                    tokio::spawn(async move { client.write(tokio_stream::pending::<WriteRequest>()).await })
                })
                .collect();
            sleep(Duration::from_secs(1)).await;
            assert_eq!(f.cluster.observed().open_streams[0], (1, 1024));
            for call in calls {
                call.abort();
            }
            sleep(Duration::from_secs(1)).await;
            assert_eq!(f.cluster.observed().open_streams[0], (1, 0));
        }
        client.clone().switch_mode(SwitchModeRequest::default()).await.unwrap();
    });
}

#[test]
fn a_silent_peer_is_pinged_and_closed_and_a_client_that_answers_is_not() {
    with(spec(), |f| async move {
        let mut client = f.import(1).await;
        let mut raw = f.net.connect(f.addr(Node::Store(1))).await.unwrap();
        raw.write_all(PREFACE).await.unwrap();
        let mut bytes = Vec::new();
        let silent = async { raw.read_to_end(&mut bytes).await };
        assert!(timeout(Duration::from_secs(12), silent).await.is_err(), "10 s and 3 s are not over");
        // a PING frame: 8 bytes of payload, type 6, no flags, stream 0
        assert!(bytes.windows(9).any(|frame| frame == [0, 0, 8, 6, 0, 0, 0, 0, 0]), "{bytes:?}");
        let _ =
            timeout(Duration::from_secs(2), raw.read_to_end(&mut bytes)).await.expect("closed after 13 s");
        sleep(Duration::from_secs(3600)).await;
        client.switch_mode(SwitchModeRequest::default()).await.unwrap();
    });
}

#[test]
fn a_silent_peer_that_does_not_read_either_is_closed() {
    with(spec(), |f| async move {
        let mut raw = f.net.connect(f.addr(Node::Store(1))).await.unwrap();
        raw.write_all(PREFACE).await.unwrap();
        // pings, whose answers fill the buffers of both sides: nothing more can be said to this peer
        let pings = [&[0, 0, 8, 6, 0, 0, 0, 0, 0], &[7; 8][..]].concat().repeat(20_000);
        assert!(
            timeout(Duration::from_secs(1), raw.write_all(&pings)).await.is_err(),
            "the store stopped reading"
        );
        sleep(Duration::from_secs(13)).await;
        let error = raw.write_all(&pings).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
    });
}

#[test]
fn foreign_bytes_end_their_connection_and_nothing_else() {
    with(spec(), |f| async move {
        for node in [Node::Store(1), Node::Pd(0)] {
            for foreign in [&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], &[0; 4096], &[0xff; 100], b"PRI * HTT"]
            {
                let mut raw = f.net.connect(f.addr(node)).await.unwrap();
                let _ = raw.write_all(foreign).await;
                let _ = raw.shutdown().await;
                // whatever it answers, it lets go
                let mut bytes = Vec::new();
                let end = timeout(Duration::from_secs(60), raw.read_to_end(&mut bytes)).await;
                assert!(end.is_ok(), "{node} keeps {foreign:?}");
            }
        }
        f.pd(0).await.get_members(GetMembersRequest::default()).await.unwrap();
        f.import(1).await.switch_mode(SwitchModeRequest::default()).await.unwrap();
    });
}

#[test]
fn every_node_says_that_it_serves() {
    with(spec(), |f| async move {
        for (node, _) in f.cluster.nodes() {
            let mut health = HealthClient::new(f.channel(node).await.unwrap());
            let answer = health.check(HealthCheckRequest::default()).await.unwrap().into_inner();
            assert_eq!(answer.status(), ServingStatus::Serving);
        }
    });
}

#[test]
fn a_shutdown_ends_every_node() {
    with(spec(), |f| async move {
        f.cluster.shutdown();
        sleep(Duration::from_millis(1)).await;
        for (node, addr) in f.cluster.nodes() {
            assert!(f.net.connect(addr).await.is_err(), "{node}");
        }
    });
}
