//! Streams whose connection dies: those whose HEADERS had left, and those whose HEADERS had not.

use super::peer::{DATA, END_STREAM, HEADERS, Peer, framed};
use super::server::HANG;
use super::*;

/// Small enough for one stream's window to fill it.
const SOCKET: usize = 4 << 10;

/// A channel whose peer has stopped reading, and whose socket a first stream has filled.
async fn stalled() -> (ClientConn, ClientStream, Peer, unstuck_net::Listener) {
    let (net, port) = net(SOCKET);
    let mut listener = port.listen().unwrap();
    let conn = ClientConn::dial(&net, port.addr(), options());
    let peer = Peer::accept(&mut listener).await;
    let mut filler = conn.new_stream(&Ctx::background(), HANG).await.unwrap();
    filler.send_msg(&message(1, 8 * SOCKET)).await.unwrap();
    settle().await;
    std::mem::forget(port);
    (conn, filler, peer, listener)
}

#[tokio::test(start_paused = true)]
async fn an_orphan_is_sent_again_inside_recv_msg_which_then_waits_for_ever() {
    let (conn, mut filler, peer, mut listener) = stalled().await;
    let ctx = Ctx::background();
    let mut orphan = within(conn.new_stream(&ctx, HANG)).await.unwrap();
    orphan.send_msg(&message(2, 100)).await.unwrap();
    settle().await;
    peer.reset();
    settle().await;
    // The one that had left: a status, and no repetition.
    let status = within(filler.recv_msg::<Vec<u8>>()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(matches!(filler.send_msg(&message(1, 1)).await, Err(SendError::Eof)));
    // The one that had not.
    assert!(matches!(orphan.send_msg(&message(3, 200)).await, Err(SendError::Eof)));
    assert_eq!(conn.state(), Connectivity::Idle, "sending has not repeated anything");
    let tasks = tasks();
    tasks.spawn("write", async move { orphan.recv_msg::<Vec<u8>>().await });
    let mut returned = Peer::accept(&mut listener).await;
    let head = returned.next_of_stream().await.unwrap();
    assert_eq!((head.kind, head.stream, head.flags & END_STREAM), (HEADERS, 1, 0));
    let mut replayed = vec![];
    let expected = [framed(&message(2, 100)), framed(&message(3, 200))].concat();
    while replayed.len() < expected.len() {
        let data = returned.next_of_stream().await.unwrap();
        assert_eq!((data.kind, data.stream, data.flags & END_STREAM), (DATA, 1, 0));
        replayed.extend(data.payload);
    }
    assert_eq!(replayed, expected);
    sleep(7 * 3600).await;
    assert_eq!(sites(&tasks), ["RecvMsg/waitOnHeader"]);
    let dump = tasks.dump();
    let stack: Vec<_> = dump.tasks[0].frames.iter().map(|frame| frame.function.as_str()).collect();
    assert_eq!(stack, ["RecvMsg/waitOnHeader", "ClientStream::recv_msg"]);
    // It waits for headers indeed.
    returned.answer_headers(1).await;
    returned.answer_ok(1).await;
    settle().await;
    assert_eq!(tasks.alive(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_half_close_is_repeated_too() {
    let (conn, _filler, peer, mut listener) = stalled().await;
    let mut orphan = conn.new_stream(&Ctx::background(), HANG).await.unwrap();
    orphan.send_msg(&message(2, 100)).await.unwrap();
    peer.reset();
    settle().await;
    let call = tokio::spawn(async move { orphan.close_and_recv::<Vec<u8>>().await });
    let mut returned = Peer::accept(&mut listener).await;
    loop {
        let frame = returned.next_of_stream().await.unwrap();
        if frame.flags & END_STREAM != 0 {
            break;
        }
    }
    returned.answer_headers(1).await;
    returned.send(DATA, 0, 1, &framed(&vec![8])).await;
    returned.answer_ok(1).await;
    assert_eq!(within(call).await.unwrap().unwrap(), [8]);
}

#[tokio::test(start_paused = true)]
async fn past_256_kib_nothing_is_repeated() {
    let (conn, _filler, peer, mut listener) = stalled().await;
    let mut orphan = conn.new_stream(&Ctx::background(), HANG).await.unwrap();
    // One byte over, prefix and protobuf's own four bytes included.
    orphan.send_msg(&message(2, (256 << 10) - 8)).await.unwrap();
    peer.reset();
    let status = within(orphan.recv_msg::<Vec<u8>>()).await.unwrap_err();
    assert_eq!(said(&status), (Code::Unavailable, "transport is closing"));
    let again = tokio::time::timeout(Duration::from_secs(3600), listener.accept()).await;
    assert!(again.is_err(), "nothing wants a connection");
}

#[tokio::test(start_paused = true)]
async fn up_to_256_kib_it_is() {
    let (conn, _filler, peer, mut listener) = stalled().await;
    let mut orphan = conn.new_stream(&Ctx::background(), HANG).await.unwrap();
    orphan.send_msg(&message(2, (256 << 10) - 9)).await.unwrap();
    peer.reset();
    let _reader = tokio::spawn(async move { orphan.recv_msg::<Vec<u8>>().await });
    assert!(tokio::time::timeout(Duration::from_secs(3600), listener.accept()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_fin_after_headers_left_is_unavailable() {
    let (net, port) = net(SOCKET);
    let mut listener = port.listen().unwrap();
    let conn = ClientConn::dial(&net, port.addr(), options());
    let mut peer = Peer::accept(&mut listener).await;
    let mut stream = conn.new_stream(&Ctx::background(), HANG).await.unwrap();
    stream.send_msg(&message(2, 100)).await.unwrap();
    peer.next_of_stream().await.unwrap();
    peer.next_of_stream().await.unwrap();
    drop(peer);
    let status = within(stream.recv_msg::<Vec<u8>>()).await.unwrap_err();
    let text = "connection error: desc = \"error reading from server: EOF\"";
    assert_eq!(said(&status), (Code::Unavailable, text));
    let again = tokio::time::timeout(Duration::from_secs(3600), listener.accept()).await;
    assert!(again.is_err(), "nothing wants a connection");
}

#[tokio::test(start_paused = true)]
async fn an_orphan_is_repeated_only_once() {
    let (conn, _filler, peer, mut listener) = stalled().await;
    let mut orphan = conn.new_stream(&Ctx::background(), HANG).await.unwrap();
    peer.reset();
    let reader = tokio::spawn(async move { orphan.recv_msg::<Vec<u8>>().await });
    let mut second = Peer::accept(&mut listener).await;
    second.next_of_stream().await.unwrap();
    second.reset();
    assert_eq!(within(reader).await.unwrap().unwrap_err().code(), Code::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn an_orphan_that_cannot_be_repeated_says_why() {
    let (conn, _filler, peer, listener) = stalled().await;
    let mut orphan = conn.new_stream(&Ctx::background(), HANG).await.unwrap();
    drop(listener);
    peer.reset();
    let status = within(orphan.recv_msg::<Vec<u8>>()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("connection refused"), "{status}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_arrived_before_the_death_counts() {
    let (net, port) = net(SOCKET);
    let mut listener = port.listen().unwrap();
    let conn = ClientConn::dial(&net, port.addr(), options());
    let mut peer = Peer::accept(&mut listener).await;
    let mut stream = conn.new_stream(&Ctx::background(), HANG).await.unwrap();
    stream.close_send().await.unwrap();
    peer.next_of_stream().await.unwrap();
    peer.next_of_stream().await.unwrap();
    peer.answer_headers(1).await;
    peer.send(DATA, 0, 1, &framed(&vec![8])).await;
    peer.answer_ok(1).await;
    drop(peer);
    settle().await;
    assert_eq!(conn.state(), Connectivity::Idle);
    assert_eq!(within(stream.recv_msg::<Vec<u8>>()).await.unwrap(), Some(vec![8]));
    assert_eq!(within(stream.recv_msg::<Vec<u8>>()).await.unwrap(), None);
}
