//! The channel's states.

use tokio::time::Instant;

use super::peer::{GOAWAY, Peer, RST};
use super::server::{ECHO, HANG, serve};
use super::*;

#[tokio::test(start_paused = true)]
async fn a_refused_connect_fails_calls_at_once_and_they_keep_failing_until_ready() {
    let (net, port) = net(64 << 10);
    let ctx = Ctx::background();
    let start = Instant::now();
    let conn = ClientConn::dial(&net, port.addr(), options());
    // The first call waits for the first try.
    let status = within(conn.new_stream(&ctx, HANG)).await.unwrap_err();
    let text = format!(
        "connection error: desc = \"transport: Error while dialing: dial tcp {}: connect: connection refused\"",
        port.addr()
    );
    assert_eq!(said(&status), (Code::Unavailable, text.as_str()));
    assert!(start.elapsed() < Duration::from_secs(1));
    // Sticky: while it tries again, too.
    port.drop_syn(true);
    sleep(10).await;
    let now = Instant::now();
    assert_eq!(within(conn.new_stream(&ctx, HANG)).await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(now.elapsed(), Duration::ZERO);
    assert_eq!(conn.state(), Connectivity::TransientFailure);
    port.drop_syn(false);
    tokio::spawn(serve(port.listen().unwrap(), 10));
    sleep(120).await;
    assert_eq!(conn.state(), Connectivity::Ready);
    assert!(conn.new_stream(&ctx, HANG).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_peer_without_settings_is_not_ready_and_times_out() {
    let (net, port) = net(64 << 10);
    let mut listener = port.listen().unwrap();
    let conn = ClientConn::dial(&net, port.addr(), options());
    let tasks = tasks();
    let opener = conn.clone();
    let start = Instant::now();
    let call = tasks.spawn("call", async move { opener.new_stream(&Ctx::background(), HANG).await });
    let _silent = Peer::silent(&mut listener).await;
    sleep(19).await;
    assert_eq!(sites(&tasks), ["pick/connecting"]);
    assert_eq!(conn.state(), Connectivity::Connecting);
    let status = call.join("test").await.unwrap().unwrap_err();
    let text = "connection error: desc = \"failed to receive server preface within timeout\"";
    assert_eq!(said(&status), (Code::Unavailable, text));
    assert_eq!(start.elapsed().as_secs(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_leaves_the_channel_idle_until_a_call_wants_it() {
    let (net, port) = net(64 << 10);
    let mut listener = port.listen().unwrap();
    let conn = ClientConn::dial(&net, port.addr(), options());
    Peer::accept(&mut listener).await.reset();
    settle().await;
    assert_eq!(conn.state(), Connectivity::Idle);
    let again = tokio::time::timeout(Duration::from_secs(3600), listener.accept()).await;
    assert!(again.is_err(), "an idle channel does not connect");
    tokio::spawn(serve(listener, 10));
    let answer: Vec<u8> = conn.unary(&Ctx::background(), ECHO, &vec![1]).await.unwrap();
    assert_eq!(answer, [1]);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_an_idle_channel_to_be_ready_waits_until_it_is_told_to_connect() {
    let (net, port) = net(64 << 10);
    let mut listener = port.listen().unwrap();
    let conn = ClientConn::dial(&net, port.addr(), options());
    Peer::accept(&mut listener).await.reset();
    settle().await;
    let tasks = tasks();
    let waiter = conn.clone();
    let ready = tasks.spawn("waiter", async move { waiter.wait_ready(&Ctx::background()).await });
    sleep(3600).await;
    assert_eq!(conn.state(), Connectivity::Idle);
    assert_eq!(sites(&tasks), ["waitConnReady"]);
    tokio::spawn(serve(listener, 10));
    conn.connect();
    assert!(within(ready.join("test")).await.unwrap().is_ok());
    assert_eq!(conn.state(), Connectivity::Ready);
}

#[tokio::test(start_paused = true)]
async fn blocking_dial_waits_through_failures_and_ends_with_its_context() {
    let (net, port) = net(64 << 10);
    let ctx = Ctx::background().with_timeout(Duration::from_secs(30));
    let start = Instant::now();
    let status = ClientConn::dial_blocking(&ctx, &net, port.addr(), options()).await.unwrap_err();
    assert_eq!(said(&status), (Code::DeadlineExceeded, "context deadline exceeded"));
    assert_eq!(start.elapsed().as_secs(), 30);
    let listening = async {
        sleep(5).await;
        serve(port.listen().unwrap(), 10).await;
    };
    let ctx = Ctx::background();
    tokio::select! {
        biased;
        conn = ClientConn::dial_blocking(&ctx, &net, port.addr(), options()) => {
            assert_eq!(conn.unwrap().state(), Connectivity::Ready);
        }
        () = listening => panic!("the server ended"),
    }
}

#[tokio::test(start_paused = true)]
async fn goaway_sends_new_streams_elsewhere_and_repeats_the_unprocessed_ones() {
    let (net, port) = net(64 << 10);
    let mut listener = port.listen().unwrap();
    let ctx = Ctx::background();
    let conn = ClientConn::dial(&net, port.addr(), options());
    let mut peer = Peer::accept(&mut listener).await;
    let mut kept = within(conn.new_stream(&ctx, HANG)).await.unwrap();
    let mut moved = within(conn.new_stream(&ctx, HANG)).await.unwrap();
    moved.send_msg(&vec![5]).await.unwrap();
    settle().await;
    peer.send(GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0]).await;
    settle().await;
    assert_eq!(conn.state(), Connectivity::Idle);
    tokio::spawn(serve(listener, 10));
    // The repetition happens inside the next send, and what was sent before goes along.
    moved.send_msg(&vec![6]).await.unwrap();
    assert_eq!(conn.open_streams().0, 1);
    // The connection that drains lives as long as its last stream.
    peer.answer_headers(1).await;
    peer.answer_ok(1).await;
    assert_eq!(within(kept.recv_msg::<Vec<u8>>()).await.unwrap(), None);
    let mut ended = vec![];
    while let Some(frame) = peer.next().await {
        ended.push((frame.kind, frame.stream));
    }
    assert!(ended.contains(&(RST, 1)), "it was not half-closed: {ended:?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_running_after_close_or_the_last_drop() {
    let (net, port) = net(64 << 10);
    let server = tokio::spawn(serve(port.listen().unwrap(), 10));
    let before = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let ctx = Ctx::background();
    for closes in [true, false] {
        let conn = ClientConn::dial_blocking(&ctx, &net, port.addr(), options()).await.unwrap();
        drop(within(conn.new_stream(&ctx, HANG)).await.unwrap());
        if closes {
            conn.close();
            settle().await;
        }
        drop(conn);
        settle().await;
        // The server's own task for the connection has seen the end of it.
        assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), before);
    }
    server.abort();
}

#[tokio::test]
async fn real_sockets_carry_calls_too() {
    let net = Net::Tcp(unstuck_net::tcp::TcpNet::new(unstuck_net::tcp::TcpConfig::default()));
    let port = net.reserve(net.any()).unwrap();
    let ctx = Ctx::background();
    let refused = ClientConn::dial(&net, port.addr(), options());
    let status = within(refused.new_stream(&ctx, ECHO)).await.unwrap_err();
    assert!(status.message().contains("connect: connection refused"), "{status}");
    let server = tokio::spawn(serve(port.listen().unwrap(), 10));
    let conn = ClientConn::dial_blocking(&ctx, &net, port.addr(), options()).await.unwrap();
    let answer: Vec<u8> = conn.unary(&ctx, ECHO, &message(4, 1 << 20)).await.unwrap();
    assert_eq!(answer, message(4, 1 << 20));
    server.abort();
}
