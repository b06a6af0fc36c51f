//! Peers that do not keep to the protocol.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::io::AsyncWriteExt;

use super::peer::{DATA, END_HEADERS, END_STREAM, HEADERS, Peer, field};
use super::server::HANG;
use super::*;

/// What a stream gets to read when the peer answers with `frames`.
async fn answered(frames: &[(u8, u8, u32, Vec<u8>)]) -> Result<Option<Vec<u8>>, Status> {
    let (net, port) = net(64 << 10);
    let mut listener = port.listen().unwrap();
    let conn = ClientConn::dial(&net, port.addr(), options());
    let mut peer = Peer::accept(&mut listener).await;
    let ctx = Ctx::background().with_timeout(Duration::from_secs(60));
    let mut stream = within(conn.new_stream(&ctx, HANG)).await.unwrap();
    settle().await;
    for (kind, flags, id, payload) in frames {
        peer.send(*kind, *flags, *id, payload).await;
    }
    stream.recv_msg::<Vec<u8>>().await
}

fn head() -> Vec<u8> {
    [vec![0x88], field("content-type", "application/grpc")].concat()
}

#[tokio::test(start_paused = true)]
async fn a_broken_status_is_a_status() {
    for (name, value) in
        [("grpc-status", "-1"), ("grpc-status", ""), ("grpc-status-details-bin", "!"), ("grpc-message", "%")]
    {
        let trailers = (HEADERS, END_HEADERS | END_STREAM, 1, field(name, value));
        let status = answered(&[(HEADERS, END_HEADERS, 1, head()), trailers]).await.unwrap_err();
        assert_eq!(status.code(), Code::Unknown, "{name}: {value}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_cut_inside_a_message_is_an_unexpected_end() {
    let status = answered(&[
        (HEADERS, END_HEADERS, 1, head()),
        (DATA, 0, 1, vec![0, 0, 0, 0, 9, 1]),
        (HEADERS, END_HEADERS | END_STREAM, 1, field("grpc-status", "0")),
    ])
    .await
    .unwrap_err();
    assert_eq!(said(&status), (Code::Internal, "unexpected EOF"));
}

#[tokio::test(start_paused = true)]
async fn a_huge_message_is_refused_by_its_prefix() {
    let status =
        answered(&[(HEADERS, END_HEADERS, 1, head()), (DATA, 0, 1, vec![0, 0xff, 0xff, 0xff, 0xff, 1])])
            .await
            .unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
}

#[tokio::test(start_paused = true)]
async fn data_without_trailers_is_internal() {
    let status =
        answered(&[(HEADERS, END_HEADERS, 1, head()), (DATA, END_STREAM, 1, vec![])]).await.unwrap_err();
    assert_eq!(said(&status), (Code::Internal, "server closed the stream without sending trailers"));
}

#[tokio::test(start_paused = true)]
async fn a_violation_of_http2_ends_the_connection_even_while_its_socket_is_full() {
    let (net, port) = net(4 << 10);
    let mut listener = port.listen().unwrap();
    let conn = ClientConn::dial(&net, port.addr(), options());
    let mut peer = Peer::accept(&mut listener).await;
    let mut stream = conn.new_stream(&Ctx::background(), HANG).await.unwrap();
    stream.send_msg(&message(1, 32 << 10)).await.unwrap();
    settle().await;
    // DATA on a stream that does not exist.
    peer.send(DATA, 0, 99, &[1]).await;
    let read = tokio::time::timeout(Duration::from_secs(60), stream.recv_msg::<Vec<u8>>()).await;
    assert_eq!(read.expect("it ends").unwrap_err().code(), Code::Unavailable);
    assert_eq!(conn.state(), Connectivity::Idle);
}

#[tokio::test(start_paused = true)]
async fn noise_never_panics_and_never_hangs_a_call() {
    for seed in 0..200 {
        let (net, port) = net(64 << 10);
        let mut listener = port.listen().unwrap();
        let conn = ClientConn::dial(&net, port.addr(), options());
        let mut peer = Peer::accept(&mut listener).await;
        let ctx = Ctx::background().with_timeout(Duration::from_secs(60));
        let mut stream = within(conn.new_stream(&ctx, HANG)).await.unwrap();
        settle().await;
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        for _ in 0..50 {
            let kind = random.random_range(0..11_u8);
            let mut bytes = vec![0, 0, random.random_range(0..20), kind, random.random(), 0, 0, 0];
            bytes.push(random.random_range(0..6));
            bytes.extend((0..bytes[2]).map(|_| random.random::<u8>()));
            if peer.0.write_all(&bytes).await.is_err() {
                break;
            }
        }
        drop(peer);
        let _any_outcome = within(stream.recv_msg::<Vec<u8>>()).await;
    }
}
