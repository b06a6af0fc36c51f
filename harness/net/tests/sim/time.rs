//! Virtual time: what costs how much of it, and that it repeats.

use std::fmt::Write;
use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout};
use unstuck_net::sim::{SimConfig, SimNet, runtime};
use unstuck_net::{Conn, Net};

use crate::{pair, sim};

#[test]
fn a_connect_costs_a_round_trip_and_a_chunk_half_of_one() {
    sim(SimConfig { latency: Duration::from_millis(5), ..SimConfig::default() }, async |net| {
        let start = Instant::now();
        let (mut client, mut server, ..) = pair(&net).await;
        assert_eq!(start.elapsed(), Duration::from_millis(10));
        client.write_all(b"hello").await.unwrap();
        let mut buf = [0; 5];
        server.read_exact(&mut buf).await.unwrap();
        assert_eq!(start.elapsed(), Duration::from_millis(15));
        assert_eq!(&buf, b"hello");
    });
}

#[test]
fn a_latency_of_zero_counts_as_one_millisecond() {
    sim(SimConfig { latency: Duration::ZERO, ..SimConfig::default() }, async |net| {
        let start = Instant::now();
        let (mut client, mut server, ..) = pair(&net).await;
        client.write_all(b"x").await.unwrap();
        server.read_u8().await.unwrap();
        assert_eq!(start.elapsed(), Duration::from_millis(3));
    });
}

#[test]
fn refused_connects_move_the_clock() {
    sim(SimConfig::default(), async |net| {
        let port = net.reserve(net.any()).unwrap();
        let start = Instant::now();
        for _ in 0..1000 {
            let refused = net.connect(port.addr()).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        }
        assert_eq!(start.elapsed(), Duration::from_secs(2));
    });
}

/// The bytes in flight make room by arriving, while the reader does nothing.
#[test]
fn a_blocked_writer_goes_on_when_its_bytes_arrive() {
    sim(SimConfig { send_buffer: 10, recv_buffer: 25, ..SimConfig::default() }, async |net| {
        let (mut client, _server, ..) = pair(&net).await;
        let start = Instant::now();
        client.write_all(&[1; 35]).await.unwrap();
        // 10 a millisecond; of the third ten, five arrive and leave room for the last five.
        assert_eq!(start.elapsed(), Duration::from_millis(3));
        let blocked = timeout(Duration::from_secs(3600), client.write_all(b"x")).await;
        assert!(blocked.is_err());
    });
}

/// The reader makes room while bytes are still under way, and then does nothing: it is their arrival that lets the
/// writer go on.
#[test]
fn a_blocked_writer_goes_on_when_bytes_arrive_in_room_made_before() {
    let config = SimConfig { latency: Duration::from_millis(5), send_buffer: 10, recv_buffer: 10 };
    sim(config, async |net| {
        let (mut client, mut server, ..) = pair(&net).await;
        let start = Instant::now();
        let writer = async {
            client.write_all(&[1; 30]).await.unwrap();
            start.elapsed()
        };
        let reader = async {
            sleep(Duration::from_millis(7)).await;
            server.read_exact(&mut [0; 10]).await.unwrap();
        };
        let (took, ()) = tokio::join!(writer, reader);
        assert_eq!(took, Duration::from_millis(10));
    });
}

/// Busy both ways between several tasks, with a reset in the middle: who got how many bytes when.
fn trace(seed: u64) -> String {
    async fn echo(mut conn: Conn) {
        let mut buf = [0; 1000];
        while let Ok(n @ 1..) = conn.read(&mut buf).await {
            if conn.write_all(&buf[..n]).await.is_err() {
                return;
            }
        }
    }
    async fn client(net: Net, to: std::net::SocketAddr, id: u64, start: Instant) -> String {
        let mut seen = String::new();
        let mut conn = net.connect(to).await.unwrap();
        for round in 0..20 {
            sleep(Duration::from_millis((id * 7 + round * 3) % 11)).await;
            conn.write_all(&vec![id as u8; (id * 977 + round * 4001) as usize % 9000]).await.unwrap();
            let mut buf = [0; 5000];
            let got = conn.read(&mut buf).await.unwrap();
            let from = conn.local_addr().unwrap();
            writeln!(seen, "{id} {from} {got} at {:?}", start.elapsed()).unwrap();
            if round == id {
                conn.reset_on_drop();
                drop(conn);
                conn = net.connect(to).await.unwrap();
            }
        }
        seen
    }
    let runtime = runtime(seed);
    runtime.block_on(async {
        let net = Net::Sim(SimNet::new(SimConfig::default()));
        let port = net.reserve(net.any()).unwrap();
        let mut listener = port.listen().unwrap();
        let start = Instant::now();
        let server = tokio::spawn(async move {
            let mut served = tokio::task::JoinSet::new();
            while let Ok((conn, _)) = listener.accept().await {
                served.spawn(echo(conn));
            }
        });
        let clients: Vec<_> =
            (1..9).map(|id| tokio::spawn(client(net.clone(), port.addr(), id, start))).collect();
        let mut all = String::new();
        for client in clients {
            all += &client.await.unwrap();
        }
        server.abort();
        all
    })
}

#[test]
fn the_same_seed_gives_the_same_bytes_at_the_same_times() {
    let first = trace(7);
    assert_eq!(first.lines().count(), 8 * 20);
    for _ in 0..3 {
        assert_eq!(trace(7), first);
    }
}
