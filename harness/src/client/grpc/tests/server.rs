//! A gRPC server on the real h2, with a few methods that tests need.

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{HeaderMap, HeaderValue, Response};
use tokio::task::JoinSet;
use unstuck_net::{Conn, Listener};

/// Answers everything that was sent, after the half-close.
pub(super) const ECHO: &str = "/test.Test/Echo";
/// Reads nothing and never answers.
pub(super) const HANG: &str = "/test.Test/Hang";
/// Answers headers at once, then nothing.
pub(super) const HEADERS_ONLY: &str = "/test.Test/HeadersOnly";
/// Fails with `NotFound` in headers that end the stream.
pub(super) const FAIL: &str = "/test.Test/Fail";
/// Answers one message, then fails in trailers.
pub(super) const FAIL_LATE: &str = "/test.Test/FailLate";
/// Ends the stream well before the half-close.
pub(super) const EARLY: &str = "/test.Test/Early";
/// Resets the stream with the error code that the first byte of the first message names.
pub(super) const RESET: &str = "/test.Test/Reset";
/// Answers as a web server that has no such page.
pub(super) const WEB: &str = "/test.Test/Web";

/// Serves until the task is aborted.
pub(super) async fn serve(mut listener: Listener, max_streams: u32) {
    let mut conns = JoinSet::new();
    while let Ok((conn, _from)) = listener.accept().await {
        conns.spawn(connection(conn, max_streams));
    }
}

/// Serves one connection.
pub(super) async fn connection(conn: Conn, max_streams: u32) {
    let mut builder = h2::server::Builder::new();
    builder.max_concurrent_streams(max_streams);
    let Ok(mut connection) = builder.handshake::<_, Bytes>(conn).await else { return };
    let mut streams = JoinSet::new();
    while let Some(Ok((request, respond))) = connection.accept().await {
        let method = request.uri().path().to_owned();
        streams.spawn(async move {
            let _client_gone = answer(&method, request.into_body(), respond).await;
        });
    }
}

async fn answer(
    method: &str,
    mut body: RecvStream,
    mut respond: SendResponse<Bytes>,
) -> Result<(), h2::Error> {
    match method {
        HANG => std::future::pending().await,
        FAIL => {
            let mut head = head();
            head.headers_mut().extend(status("5", "no%20such key"));
            respond.send_response(head, true)?;
        }
        WEB => {
            let mut head = Response::new(());
            *head.status_mut() = http::StatusCode::NOT_FOUND;
            respond.send_response(head, true)?;
        }
        RESET => {
            let first = body.data().await.transpose()?.unwrap_or_default();
            let code = first.last().copied().unwrap_or_default();
            respond.send_reset(Reason::from(u32::from(code)));
        }
        HEADERS_ONLY => {
            let _open = respond.send_response(head(), false)?;
            std::future::pending::<()>().await;
        }
        EARLY | FAIL_LATE => {
            let mut send = respond.send_response(head(), false)?;
            if method == FAIL_LATE {
                send.send_data(Bytes::from(super::peer::framed(&vec![7])), false)?;
                send.send_trailers(status("10", "late"))?;
            } else {
                send.send_trailers(status("0", ""))?;
            }
            std::future::pending::<()>().await;
        }
        _ => {
            let mut seen = vec![];
            while let Some(chunk) = body.data().await.transpose()? {
                body.flow_control().release_capacity(chunk.len())?;
                seen.extend(chunk);
            }
            let mut send = respond.send_response(head(), false)?;
            send.send_data(Bytes::from(seen), false)?;
            send.send_trailers(status("0", ""))?;
        }
    }
    Ok(())
}

fn head() -> Response<()> {
    let mut response = Response::new(());
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    response
}

fn status(code: &'static str, message: &'static str) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static(code));
    trailers.insert("grpc-message", HeaderValue::from_static(message));
    trailers
}
