//! Stream quota: who holds it, who waits for it, what gives it back.

use super::server::{HANG, connection, serve};
use super::*;

async fn client(max_streams: u32) -> ClientConn {
    let (net, port) = net(64 << 10);
    tokio::spawn(serve(port.listen().unwrap(), max_streams));
    let conn = ClientConn::dial_blocking(&Ctx::background(), &net, port.addr(), options()).await.unwrap();
    std::mem::forget(port);
    conn
}

#[tokio::test(start_paused = true)]
async fn a_dropped_stream_keeps_its_place_and_the_next_one_waits_for_ever() {
    let conn = client(2).await;
    let ctx = Ctx::background();
    for _ in 0..2 {
        drop(within(conn.new_stream(&ctx, HANG)).await.unwrap());
    }
    let tasks = tasks();
    let opener = conn.clone();
    tasks.spawn("opener", async move { opener.new_stream(&Ctx::background(), HANG).await });
    // 421 minutes, as reported.
    sleep(421 * 60).await;
    let dump = tasks.dump();
    let wait = dump.tasks[0].wait.as_ref().unwrap();
    assert_eq!(wait.site, "NewStream/quota");
    assert_eq!(wait.detail, "2 of 2 streams open");
    let Resource::Link { conn: number, .. } = &wait.resource else { panic!("{wait:?}") };
    assert_eq!(*number, conn.conn_id());
    assert_eq!(conn.open_streams(), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_context_gives_its_streams_back_in_the_order_of_the_waiters() {
    let conn = client(1).await;
    let held = Ctx::background().child();
    let _held = within(conn.new_stream(&held, HANG)).await.unwrap();
    let tasks = tasks();
    let order = std::sync::Arc::new(std::sync::Mutex::new(vec![]));
    for number in 0..3 {
        let (conn, order) = (conn.clone(), order.clone());
        tasks.spawn(format!("opener {number}"), async move {
            let ctx = Ctx::background().child();
            let _cancelled_at_once = ctx.cancel_on_drop();
            within(conn.new_stream(&ctx, HANG)).await.unwrap();
            order.lock().unwrap().push(number);
        });
    }
    settle().await;
    assert_eq!(sites(&tasks), ["NewStream/quota"; 3]);
    held.cancel();
    settle().await;
    assert_eq!(*order.lock().unwrap(), [0, 1, 2]);
    settle().await;
    assert_eq!(conn.open_streams(), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_quota_ends_with_its_context() {
    let conn = client(1).await;
    let _held = conn.new_stream(&Ctx::background(), HANG).await.unwrap();
    let ctx = Ctx::background().with_timeout(Duration::from_secs(900));
    let status = within(conn.new_stream(&ctx, HANG)).await.unwrap_err();
    assert_eq!(said(&status), (Code::DeadlineExceeded, "context deadline exceeded"));
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_quota_moves_to_the_next_connection_when_this_one_dies() {
    let (net, port) = net(64 << 10);
    let mut listener = port.listen().unwrap();
    let ctx = Ctx::background();
    let conn = ClientConn::dial(&net, port.addr(), options());
    let (first, _) = listener.accept().await.unwrap();
    first.reset_on_drop();
    let serving = tokio::spawn(connection(first, 1));
    let mut held = within(conn.new_stream(&ctx, HANG)).await.unwrap();
    let opener = conn.clone();
    let waiting = tokio::spawn(async move { opener.new_stream(&Ctx::background(), HANG).await });
    settle().await;
    assert!(!waiting.is_finished());
    serving.abort();
    let (second, _) = listener.accept().await.unwrap();
    tokio::spawn(connection(second, 1));
    within(waiting).await.unwrap().unwrap();
    let status = within(held.recv_msg::<Vec<u8>>()).await.unwrap_err();
    let text = "connection error: desc = \"error reading from server: connection reset by peer\"";
    assert_eq!(said(&status), (Code::Unavailable, text));
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_streams_open_where_the_server_allows_them() {
    let conn = client(20_000).await;
    let ctx = Ctx::background();
    for _ in 0..10_000 {
        drop(within(conn.new_stream(&ctx, HANG)).await.unwrap());
    }
    settle().await;
    assert_eq!(conn.open_streams(), (10_000, 20_000));
}
