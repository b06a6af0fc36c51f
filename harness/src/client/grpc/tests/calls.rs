//! Calls on a healthy connection: round trips, statuses, flow control, ends.

use super::server::{EARLY, ECHO, FAIL, FAIL_LATE, HANG, HEADERS_ONLY, RESET, WEB, serve};
use super::*;

/// A client of a server that allows 1024 streams.
async fn client() -> ClientConn {
    let (net, port) = net(64 << 10);
    tokio::spawn(serve(port.listen().unwrap(), 1024));
    let conn = ClientConn::dial_blocking(&Ctx::background(), &net, port.addr(), options()).await.unwrap();
    // The port lives as long as the runtime, which is as long as the test.
    std::mem::forget(port);
    conn
}

#[tokio::test(start_paused = true)]
async fn a_unary_call_goes_there_and_back() {
    let conn = client().await;
    let answer: Vec<u8> = conn.unary(&Ctx::background(), ECHO, &message(3, 10)).await.unwrap();
    assert_eq!(answer, message(3, 10));
    settle().await;
    assert_eq!(conn.open_streams(), (0, 1024));
}

#[tokio::test(start_paused = true)]
async fn big_messages_pass_both_ways_under_flow_control() {
    let conn = client().await;
    let mut stream = conn.new_stream(&Ctx::background(), ECHO).await.unwrap();
    // Far more than the windows, the write quota and the sockets hold together.
    for byte in 0..4 {
        stream.send_msg(&message(byte, 1 << 20)).await.unwrap();
    }
    stream.close_send().await.unwrap();
    for byte in 0..4 {
        assert_eq!(stream.recv_msg().await.unwrap(), Some(message(byte, 1 << 20)));
    }
    assert_eq!(within(stream.recv_msg::<Vec<u8>>()).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_client_stream_closes_and_receives_its_one_answer() {
    let conn = client().await;
    let mut stream = conn.new_stream(&Ctx::background(), ECHO).await.unwrap();
    stream.send_msg(&message(9, 100)).await.unwrap();
    assert_eq!(stream.close_and_recv::<Vec<u8>>().await.unwrap(), message(9, 100));
    let refused = stream.send_msg(&message(9, 1)).await.unwrap_err();
    assert!(matches!(refused, SendError::Status(status) if status.code() == Code::Internal));
}

#[tokio::test(start_paused = true)]
async fn sending_blocks_at_flow_when_64_kib_wait_and_goes_on_when_they_leave() {
    let conn = client().await;
    let tasks = tasks();
    let sender = conn.clone();
    tasks.spawn("sender", async move {
        let mut stream = sender.new_stream(&Ctx::background(), HANG).await.unwrap();
        let mut sent = 0_u32;
        // HANG reads nothing: 65,535 bytes of window leave, 64 KiB wait, and one message goes on top.
        while tokio::time::timeout(Duration::from_secs(9), stream.send_msg(&message(1, 1019))).await.is_ok() {
            sent += 1;
        }
        assert_eq!(sent, 128);
        stream.send_msg(&message(1, 1)).await.unwrap();
    });
    sleep(60).await;
    assert_eq!(sites(&tasks), ["SendMsg/flow"]);
    conn.close();
    settle().await;
}

#[tokio::test(start_paused = true)]
async fn statuses_come_from_trailers_headers_resets_and_http() {
    let conn = client().await;
    let ctx = Ctx::background();
    let empty = vec![];
    let call = |method| conn.unary::<_, Vec<u8>>(&ctx, method, &empty);
    assert_eq!(said(&call(FAIL).await.unwrap_err()), (Code::NotFound, "no such key"));
    assert_eq!(said(&call(FAIL_LATE).await.unwrap_err()), (Code::Aborted, "late"));
    let web = call(WEB).await.unwrap_err();
    assert_eq!(web.code(), Code::Unimplemented);
    let mut stream = within(conn.new_stream(&ctx, RESET)).await.unwrap();
    stream.send_msg(&message(11, 5)).await.unwrap();
    let reset = within(stream.recv_msg::<Vec<u8>>()).await.unwrap_err();
    let text = "stream terminated by RST_STREAM with error code: ENHANCE_YOUR_CALM";
    assert_eq!(said(&reset), (Code::ResourceExhausted, text));
    assert!(matches!(stream.send_msg(&message(0, 1)).await, Err(SendError::Eof)));
    settle().await;
    assert_eq!(conn.open_streams(), (0, 1024));
}

#[tokio::test(start_paused = true)]
async fn a_refused_stream_is_repeated_once_and_no_more() {
    let conn = client().await;
    let mut stream = conn.new_stream(&Ctx::background(), RESET).await.unwrap();
    // REFUSED_STREAM, both times.
    stream.send_msg(&message(7, 5)).await.unwrap();
    let refused = within(stream.recv_msg::<Vec<u8>>()).await.unwrap_err();
    let text = "stream terminated by RST_STREAM with error code: REFUSED_STREAM";
    assert_eq!(said(&refused), (Code::Unavailable, text));
}

#[tokio::test(start_paused = true)]
async fn a_clean_end_before_the_half_close_is_eof_for_both_directions() {
    let conn = client().await;
    let mut stream = conn.new_stream(&Ctx::background(), EARLY).await.unwrap();
    settle().await;
    assert!(matches!(stream.send_msg(&message(1, 1)).await, Err(SendError::Eof)));
    assert_eq!(within(stream.recv_msg::<Vec<u8>>()).await.unwrap(), None);
    assert_eq!(conn.open_streams().0, 0);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_a_wait_for_headers_and_a_wait_for_a_message() {
    let conn = client().await;
    for (method, site) in [(HANG, "RecvMsg/waitOnHeader"), (HEADERS_ONLY, "RecvMsg/message")] {
        let ctx = Ctx::background().with_timeout(Duration::from_secs(900));
        let mut stream = within(conn.new_stream(&ctx, method)).await.unwrap();
        let tasks = tasks();
        let reader = tasks.spawn("reader", async move { stream.recv_msg::<Vec<u8>>().await });
        let start = tokio::time::Instant::now();
        sleep(899).await;
        assert_eq!(sites(&tasks), [site]);
        let status = reader.join("test").await.unwrap().unwrap_err();
        assert_eq!(said(&status), (Code::DeadlineExceeded, "context deadline exceeded"));
        assert_eq!(start.elapsed().as_secs(), 900);
    }
    settle().await;
    assert_eq!(conn.open_streams().0, 0);
}

#[tokio::test(start_paused = true)]
async fn cancelling_ends_blocked_calls_and_later_ones() {
    let conn = client().await;
    let ctx = Ctx::background().child();
    let mut stream = within(conn.new_stream(&ctx, HANG)).await.unwrap();
    let reader = tokio::spawn(async move { (within(stream.recv_msg::<Vec<u8>>()).await, stream) });
    settle().await;
    ctx.cancel();
    let (result, mut stream) = within(reader).await.unwrap();
    assert_eq!(said(&result.unwrap_err()), (Code::Cancelled, "context canceled"));
    assert!(matches!(stream.send_msg(&message(1, 1)).await, Err(SendError::Eof)));
    assert_eq!(
        said(&within(stream.recv_msg::<Vec<u8>>()).await.unwrap_err()),
        (Code::Cancelled, "context canceled")
    );
    let late = within(conn.new_stream(&ctx, HANG)).await.unwrap_err();
    assert_eq!(said(&late), (Code::Cancelled, "context canceled"));
}

#[tokio::test(start_paused = true)]
async fn closing_ends_every_call_with_the_same_words() {
    let conn = client().await;
    let ctx = Ctx::background();
    let expected = (Code::Cancelled, "grpc: the client connection is closing");
    let mut blocked = within(conn.new_stream(&ctx, HANG)).await.unwrap();
    let mut later = within(conn.new_stream(&ctx, HANG)).await.unwrap();
    let reader = tokio::spawn(async move { blocked.recv_msg::<Vec<u8>>().await });
    settle().await;
    conn.close();
    assert_eq!(conn.state(), Connectivity::Shutdown);
    assert_eq!(said(&within(reader).await.unwrap().unwrap_err()), expected);
    assert!(matches!(later.send_msg(&message(1, 1)).await, Err(SendError::Eof)));
    assert_eq!(said(&within(later.recv_msg::<Vec<u8>>()).await.unwrap_err()), expected);
    for _ in 0..5 {
        assert_eq!(said(&within(conn.new_stream(&ctx, HANG)).await.unwrap_err()), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_unary_call_leaves_no_stream_behind() {
    let conn = client().await;
    let ctx = Ctx::background();
    let empty = vec![];
    let call = conn.unary::<_, Vec<u8>>(&ctx, HANG, &empty);
    assert!(tokio::time::timeout(Duration::from_secs(1), call).await.is_err());
    settle().await;
    assert_eq!(conn.open_streams().0, 0);
}
