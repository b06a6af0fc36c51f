//! One try to connect: a socket, HTTP/2, and the peer's SETTINGS, all within one deadline.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, Connection, SendRequest};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};
use unstuck_net::{Conn, Net};

use super::wire::{Seen, Wire};

/// grpc-go assumes so many before the peer's SETTINGS say otherwise.
const STREAMS_BEFORE_SETTINGS: usize = 100;
/// grpc-go's initial window of a stream.
const STREAM_WINDOW: u32 = 65_535;
/// grpc-go acknowledges the connection's window as bytes come in, read or not, so that it never fills. h2 ties it to
/// the streams' windows; as large as it gets, it never fills either.
const CONNECTION_WINDOW: u32 = (1 << 31) - 1;
/// h2 keeps the time of resets by the wall clock; longer than any run, that clock decides nothing.
const REMEMBER_RESETS: Duration = Duration::from_secs(1 << 30);
/// How many streams that we have reset h2 remembers, to ignore what still comes for them quietly.
const REMEMBERED_RESETS: usize = 1024;

/// A connection whose peer has sent SETTINGS.
pub(super) struct Up<Io> {
    pub(super) h2: SendRequest<Bytes>,
    pub(super) connection: Connection<Wire<Io>, Bytes>,
    pub(super) seen: Seen,
}

/// Connects to `target` within `limit`. An error is its description, in grpc-go's words.
pub(super) async fn dial(net: &Net, target: SocketAddr, limit: Duration) -> Result<(Up<Conn>, u64), String> {
    let deadline = Instant::now() + limit;
    let dialing = |why: &str| format!("transport: Error while dialing: dial tcp {target}: {why}");
    let conn = match timeout_at(deadline, net.connect(target)).await {
        Ok(Ok(conn)) => conn,
        Ok(Err(error)) => return Err(dialing(&format!("connect: {}", plain(&error)))),
        Err(_elapsed) => return Err(dialing("i/o timeout")),
    };
    let number = conn.local_addr().map_or(0, |addr| u64::from(addr.port()));
    match timeout_at(deadline, handshake(conn)).await {
        Ok(up) => Ok((up?, number)),
        Err(_elapsed) => Err("failed to receive server preface within timeout".to_owned()),
    }
}

/// Speaks HTTP/2 on `io` until the peer's SETTINGS are here and apply.
pub(super) async fn handshake<Io>(io: Io) -> Result<Up<Io>, String>
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    let (wire, seen) = Wire::new(io);
    let reading = |why: &str| format!("error reading server preface: {why}");
    let (h2, mut connection) = Builder::new()
        .enable_push(false)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .initial_max_send_streams(STREAMS_BEFORE_SETTINGS)
        .max_send_buffer_size(u32::MAX as usize)
        .reset_stream_duration(REMEMBER_RESETS)
        .max_concurrent_reset_streams(REMEMBERED_RESETS)
        .max_local_error_reset_streams(None)
        .handshake(wire)
        .await
        .map_err(|error| reading(&of_h2(&error)))?;
    poll_fn(|cx| match Pin::new(&mut connection).poll(cx) {
        Poll::Ready(Ok(())) => Poll::Ready(Err(reading("EOF"))),
        Poll::Ready(Err(error)) => Poll::Ready(Err(reading(&of_h2(&error)))),
        Poll::Pending if seen.facts().settings => Poll::Ready(Ok(())),
        Poll::Pending => Poll::Pending,
    })
    .await?;
    Ok(Up { h2, connection, seen })
}

/// A connection's error in Go's words as far as there are some.
fn of_h2(error: &h2::Error) -> String {
    error.get_io().map_or_else(|| error.to_string(), plain)
}

/// An I/O error in Go's words, which are errno's.
pub(super) fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset => "connection reset by peer".to_owned(),
        io::ErrorKind::BrokenPipe => "broken pipe".to_owned(),
        io::ErrorKind::HostUnreachable => "no route to host".to_owned(),
        io::ErrorKind::TimedOut => "connection timed out".to_owned(),
        _ => error.to_string(),
    }
}
