//! The real HTTP/2 stack, over a link that misbehaves.

use bytes::Bytes;
use h2::client::SendRequest;
use tokio::time::timeout;
use unstuck_net::Conn;
use unstuck_proxy::{Accept, Flow, OnInject, Rule};

use crate::path::*;

/// Streams that are open at the same time.
const STREAMS: usize = 50;

/// Answers every request with its body, until the connection ends.
async fn serve(conn: Conn) {
    let mut conn = h2::server::handshake(conn).await.unwrap();
    while let Some(Ok((request, mut respond))) = conn.accept().await {
        tokio::spawn(async move {
            let mut body = request.into_body();
            let mut answer = respond.send_response(http::Response::new(()), false)?;
            while let Some(data) = body.data().await {
                let data = data?;
                body.flow_control().release_capacity(data.len())?;
                answer.send_data(data, false)?;
            }
            answer.send_data(Bytes::new(), true)
        });
    }
}

/// A client whose connection is driven by a task of its own.
async fn client(path: &Path) -> SendRequest<Bytes> {
    let conn = path.connect().await.unwrap();
    let (client, driver) = soon(h2::client::handshake(conn)).await.unwrap();
    tokio::spawn(driver);
    client
}

async fn echo(client: &SendRequest<Bytes>, says: Bytes) -> Result<Vec<u8>, h2::Error> {
    let mut client = client.clone().ready().await?;
    let request = http::Request::post("http://node/").body(()).unwrap();
    let (response, mut body) = client.send_request(request, false)?;
    body.send_data(says, true)?;
    let mut body = response.await?.into_body();
    let mut heard = Vec::new();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        heard.extend(data);
    }
    Ok(heard)
}

async fn echoes(client: &SendRequest<Bytes>) {
    let all = (0..STREAMS).map(|n| async move {
        let says = Bytes::from(vec![n as u8; 1000 * (n + 1)]);
        assert!(echo(client, says.clone()).await.unwrap() == says, "stream {n}");
    });
    soon(futures_util::future::join_all(all)).await;
}

#[test]
fn streams_wait_out_a_partition_and_lose_nothing() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let client = client(&path).await;
        tokio::spawn(serve(path.arrival().await));
        echoes(&client).await;
        for flow in [Flow::Blackhole, Flow::StallRead] {
            let guard = path.proxy.apply(0, Rule { accept: Accept::Hang, ..both_ways(flow) });
            let pending = echoes(&client);
            tokio::pin!(pending);
            assert!(timeout(50 * MS, &mut pending).await.is_err(), "{flow:?}");
            drop(guard);
            pending.await;
        }
        assert!(path.proxy.evidence(0).touched());
    });
}

#[test]
fn streams_of_a_reset_connection_fail_and_a_new_connection_works() {
    in_both(async |net| {
        let mut path = Path::new(&net);
        let old = client(&path).await;
        tokio::spawn(serve(path.arrival().await));
        echoes(&old).await;
        drop(path.proxy.apply(0, Rule { inject: OnInject::Reset, ..Rule::default() }));
        assert!(soon(echo(&old, Bytes::from_static(b"x"))).await.is_err());
        let new = client(&path).await;
        tokio::spawn(serve(path.arrival().await));
        echoes(&new).await;
    });
}
