//! Connects that hang. On loopback nothing drops a SYN, so this is claimed for the sim alone, with Linux's numbers.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use unstuck_net::Net;
use unstuck_net::sim::SimConfig;
use unstuck_net::tcp::{TcpConfig, TcpNet};

use crate::sim;

#[test]
fn a_connect_whose_syns_are_dropped_gives_up_after_127_seconds() {
    sim(SimConfig::default(), async |net| {
        let port = net.reserve(net.any()).unwrap();
        let _listener = port.listen().unwrap();
        assert!(port.drop_syn(true));
        let start = Instant::now();
        let error = net.connect(port.addr()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(start.elapsed(), Duration::from_secs(127));
    });
}

#[test]
fn a_connect_gets_through_at_the_retransmission_after_the_clearing() {
    // Cleared after so many seconds; the retransmission that follows.
    for (cleared, through) in [(0, 1), (1, 3), (3, 7), (8, 15), (30, 31), (62, 63)] {
        sim(SimConfig::default(), async |net| {
            let port = net.reserve(net.any()).unwrap();
            let mut listener = port.listen().unwrap();
            port.drop_syn(true);
            let start = Instant::now();
            let heal = async {
                sleep(Duration::from_millis(cleared * 1000 + 500)).await;
                port.drop_syn(false);
            };
            let (conn, ()) = tokio::join!(net.connect(port.addr()), heal);
            let took = start.elapsed();
            assert_eq!(took, Duration::from_millis(through * 1000 + 2), "cleared after {cleared}.5 s");
            let (_, peer) = listener.accept().await.unwrap();
            assert_eq!(peer, conn.unwrap().local_addr().unwrap());
        });
    }
}

#[test]
fn dropped_syns_hang_even_where_nobody_listens() {
    sim(SimConfig::default(), async |net| {
        let port = net.reserve(net.any()).unwrap();
        port.drop_syn(true);
        assert!(timeout(Duration::from_secs(100), net.connect(port.addr())).await.is_err());
    });
}

#[test]
fn a_connect_that_was_given_up_is_never_accepted() {
    sim(SimConfig::default(), async |net| {
        let port = net.reserve(net.any()).unwrap();
        let mut listener = port.listen().unwrap();
        assert!(timeout(Duration::from_millis(1), net.connect(port.addr())).await.is_err());
        assert!(timeout(Duration::from_secs(200), listener.accept()).await.is_err());
    });
}

#[test]
fn connects_beyond_the_backlog_hang_until_somebody_accepts() {
    sim(SimConfig::default(), async |net| {
        let port = net.reserve(net.any()).unwrap();
        let mut listener = port.listen().unwrap();
        let mut waiting = Vec::new();
        for _ in 0..1024 {
            waiting.push(net.connect(port.addr()).await.unwrap());
        }
        assert!(timeout(Duration::from_millis(500), net.connect(port.addr())).await.is_err());
        listener.accept().await.unwrap();
        net.connect(port.addr()).await.unwrap();
    });
}

#[test]
fn real_sockets_cannot_drop_a_syn_and_say_so() {
    let net = Net::Tcp(TcpNet::new(TcpConfig::default()));
    let port = net.reserve(net.any()).unwrap();
    assert!(!port.drop_syn(true));
}
