//! One GET over plain HTTP/1, and what is read by it: a page, a number on it, a dump. A size is never taken on trust.

use std::pin::Pin;
use std::time::Duration;

use http::{Request, Uri};
use hyper::body::Body;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::counted;
use crate::scenario::program::Source;

/// No dump is read any further: Go itself cuts its own at as much.
const LARGEST_DUMP: usize = 64 << 20;
/// No page is read any further: TiKV's metrics are a tenth of it.
const LARGEST_PAGE: usize = 16 << 20;

/// What is at a URL, if it is there.
pub(crate) async fn page(url: &str, within: Duration) -> Result<Vec<u8>, String> {
    match tokio::time::timeout(within, get(url, LARGEST_PAGE)).await {
        Ok(Ok((200, body))) => Ok(body),
        Ok(Ok((status, _))) => Err(format!("{url} answers {status}")),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(format!("{url} does not answer")),
    }
}

/// The number that a source holds at a URL; `None`: it is no such source.
pub(crate) async fn count(source: &Source, within: Duration) -> Option<Result<u64, String>> {
    Some(match source {
        Source::Metric { url, metric } => {
            let page = page(url, within).await;
            page.and_then(|page| counted::metric(&String::from_utf8_lossy(&page), metric))
        }
        Source::Json { url, pointer } => {
            page(url, within).await.and_then(|document| counted::json(&document, pointer))
        }
        Source::Cluster(_) | Source::Said(..) | Source::File { .. } => return None,
    })
}

/// A goroutine dump from Go's net/http/pprof, in a form of Go's (`debug=1`, `debug=2`). The caller sets the deadline.
pub(crate) async fn pprof(addr: &str, form: u32) -> Result<Vec<u8>, String> {
    let base = addr.trim_end_matches('/');
    match get(&format!("{base}/debug/pprof/goroutine?debug={form}"), LARGEST_DUMP).await? {
        (200, text) => Ok(text),
        (status, _) => Err(format!("pprof: {base} answers {status}")),
    }
}

/// The status and the body of what is at `url`: `http://host:port/path`, or without the scheme.
async fn get(url: &str, largest: usize) -> Result<(u16, Vec<u8>), String> {
    let full = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    let uri: Uri = full.parse().map_err(|error| format!("`{url}` is no address: {error}"))?;
    let host = uri.authority().ok_or_else(|| format!("`{url}` names no host"))?.to_string();
    let with_port = if uri.port().is_some() { host.clone() } else { format!("{host}:80") };
    let said = |error: &dyn std::fmt::Display| format!("{with_port}: {error}");
    let socket = TcpStream::connect(&with_port).await.map_err(|error| said(&error))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(socket)).await.map_err(|error| said(&error))?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path).header("host", &host).header("connection", "close").body(String::new());
    let request = request.map_err(|error| format!("`{url}` is no address: {error}"))?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(|error| said(&error))?;
        let (head, mut body) = response.into_parts();
        let mut read = vec![];
        while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            let frame = frame.map_err(|error| said(&error))?;
            if let Some(data) = frame.data_ref() {
                if read.len() + data.len() > largest {
                    return Err(said(&format!("the answer is larger than {} MiB", largest >> 20)));
                }
                read.extend_from_slice(data);
            }
        }
        Ok((head.status.as_u16(), read))
    };
    // the connection is driven as long as somebody waits for its answer
    let mut answer = std::pin::pin!(answer);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        biased;
        answer = &mut answer => answer,
        ended = &mut connection => match ended {
            Ok(()) => answer.await,
            Err(error) => Err(said(&error)),
        },
    }
}
