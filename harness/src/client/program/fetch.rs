//! One GET over plain HTTP/1. The caller sets the deadline; the size of an answer is limited here.

use std::pin::Pin;

use http::{Request, Uri};
use hyper::body::Body;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// No page is read any further: a goroutine dump is cut at as much by Go itself.
const LARGEST: usize = 64 << 20;

/// The status and the body of what is at `url`: `http://host:port/path`, or without the scheme.
pub(super) async fn get(url: &str) -> Result<(u16, Vec<u8>), String> {
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
                if read.len() + data.len() > LARGEST {
                    return Err(said(&"the answer is too large"));
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
