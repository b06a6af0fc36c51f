//! What the simulated network promises beyond TCP: virtual time, determinism.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;
use unstuck_net::Net;
use unstuck_net::sim::{SimConfig, SimNet, runtime};

fn net() -> Net {
    Net::Sim(SimNet::new(SimConfig::default()))
}

#[test]
fn echo_takes_one_latency_each_way() {
    runtime(1).block_on(async {
        let net = net();
        let port = net.reserve(net.any()).unwrap();
        let mut listener = port.listen().unwrap();
        let start = Instant::now();
        let mut client = net.connect(port.addr()).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        assert_eq!(start.elapsed(), Duration::from_millis(2));
        client.write_all(b"hello").await.unwrap();
        let mut buf = [0; 5];
        server.read_exact(&mut buf).await.unwrap();
        assert_eq!(start.elapsed(), Duration::from_millis(3));
        server.write_all(&buf).await.unwrap();
        client.read_exact(&mut buf).await.unwrap();
        assert_eq!(start.elapsed(), Duration::from_millis(4));
        assert_eq!(&buf, b"hello");
    });
}

#[test]
fn refused_connects_move_the_clock() {
    runtime(1).block_on(async {
        let net = net();
        let port = net.reserve(net.any()).unwrap();
        let start = Instant::now();
        for _ in 0..1000 {
            let refused = net.connect(port.addr()).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        }
        assert_eq!(start.elapsed(), Duration::from_secs(2));
    });
}
