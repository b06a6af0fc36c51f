//! Keepalive on a whole connection.

use tokio::time::Instant;

use super::peer::{PING, Peer};
use super::server::{HANG, serve};
use super::*;

fn every_ten_seconds() -> DialOptions {
    DialOptions { keepalive_time: Some(Duration::from_secs(10)), ..options() }
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_given_up_after_time_plus_timeout() {
    let (net, port) = net(64 << 10);
    let mut listener = port.listen().unwrap();
    let conn = ClientConn::dial(&net, port.addr(), every_ten_seconds());
    // It reads nothing and says nothing more, as behind a partition.
    let mut peer = Peer::accept(&mut listener).await;
    let mut stream = conn.new_stream(&Ctx::background(), HANG).await.unwrap();
    let start = Instant::now();
    let status = within(stream.recv_msg::<Vec<u8>>()).await.unwrap_err();
    let text = "connection error: desc = \"keepalive ping failed to receive ACK within timeout\"";
    assert_eq!(said(&status), (Code::Unavailable, text));
    // The last byte came in a transit or two before the stream was opened.
    let taken = start.elapsed().as_millis();
    assert!((12_990..=13_000).contains(&taken), "{taken} ms");
    let mut pings = 0;
    while let Some(frame) = peer.next().await {
        pings += u32::from(frame.kind == PING);
    }
    assert_eq!(pings, 1);
}

#[tokio::test(start_paused = true)]
async fn a_healthy_idle_connection_lives_on() {
    let (net, port) = net(64 << 10);
    tokio::spawn(serve(port.listen().unwrap(), 10));
    let conn =
        ClientConn::dial_blocking(&Ctx::background(), &net, port.addr(), every_ten_seconds()).await.unwrap();
    let number = conn.conn_id();
    sleep(7200).await;
    assert_eq!((conn.state(), conn.conn_id()), (Connectivity::Ready, number));
}
