//! The client against tonic and hyper, as the fake cluster serves them.

use fake_tikv::proto::import_sstpb::{SwitchModeRequest, SwitchModeResponse, WriteRequest, WriteResponse};
use fake_tikv::{Cluster, Node, PeerOrder, Spec, Speed};

use super::*;

const WRITE: &str = "/import_sstpb.ImportSST/Write";
const SWITCH_MODE: &str = "/import_sstpb.ImportSST/SwitchMode";

async fn store() -> (ClientConn, Cluster) {
    let (net, _port) = net(64 << 10);
    let spec = Spec {
        pd: 1,
        stores: 1,
        regions: 1,
        keys_per_region: 1,
        max_concurrent_streams: 4,
        keepalive_time: Duration::from_secs(10),
        keepalive_timeout: Duration::from_secs(3),
        election: Duration::from_secs(10),
        speed: Speed::default(),
        peer_order: PeerOrder::Shuffled,
        seed: 1,
        ..Spec::default()
    };
    let cluster = Cluster::start(&net, Clock::start(), spec).await.unwrap();
    let (_, addr) = cluster.nodes().into_iter().find(|(node, _)| *node == Node::Store(1)).unwrap();
    let conn = within(ClientConn::dial_blocking(&Ctx::background(), &net, addr, options())).await.unwrap();
    (conn, cluster)
}

#[tokio::test(start_paused = true)]
async fn a_store_answers_and_its_limit_is_the_quota() {
    let (conn, cluster) = store().await;
    let ctx = Ctx::background();
    let request = SwitchModeRequest::default();
    let _ok: SwitchModeResponse = within(conn.unary(&ctx, SWITCH_MODE, &request)).await.unwrap();
    let unknown: Result<SwitchModeResponse, _> =
        within(conn.unary(&ctx, "/import_sstpb.ImportSST/Nothing", &request)).await;
    assert_eq!(unknown.unwrap_err().code(), Code::Unimplemented);
    for _ in 0..4 {
        drop(within(conn.new_stream(&ctx, WRITE)).await.unwrap());
    }
    let short = ctx.with_timeout(Duration::from_secs(60));
    let status = within(conn.new_stream(&short, WRITE)).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(conn.open_streams(), (4, 4));
    cluster.shutdown();
}

#[tokio::test(start_paused = true)]
async fn a_write_without_half_close_waits_for_headers_for_ever() {
    let (conn, cluster) = store().await;
    let tasks = tasks();
    let writer = conn.clone();
    tasks.spawn("write", async move {
        let mut stream = writer.new_stream(&Ctx::background(), WRITE).await.unwrap();
        stream.recv_msg::<WriteResponse>().await
    });
    sleep(7 * 3600).await;
    assert_eq!(sites(&tasks), ["RecvMsg/waitOnHeader"]);
    let mut stream = within(conn.new_stream(&Ctx::background(), WRITE)).await.unwrap();
    stream.send_msg(&WriteRequest::default()).await.unwrap();
    // An empty write is refused, whatever the words: it is answered at all.
    assert!(within(stream.close_and_recv::<WriteResponse>()).await.is_err());
    cluster.shutdown();
}
