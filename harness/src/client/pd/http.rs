//! PD's HTTP API, as tools in Go ask for it: which members, in which order, how often.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Method, Request, StatusCode};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use unstuck_net::Net;

use super::discovery::Discovery;
use crate::client::ctx::{Ctx, CtxError};
use crate::probe::{Site, frame, wait};

/// The limit of one request (pd/client/http: `defaultTimeout`).
const TIMEOUT: Duration = Duration::from_secs(30);
/// A caller asks again a second later, for two minutes (lightning: `WithBackoffer`, `PDRequestRetryTime`).
const INTERVAL: Duration = Duration::from_secs(1);
const ROUNDS: u32 = 120;
/// A longer answer is an error: none of those that are asked for is a tenth of it.
const LONGEST: usize = 1 << 20;

/// Which members a request goes to, until one answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// The first address that was given, and no other (br/pkg/pdutil before pingcap/tidb#46726).
    First,
    /// The leader, then all others, in a loop that ends at the leader's place in the list, so that behind it nobody is asked
    /// (pd/client before tikv/pd#7622).
    UpToTheLeader,
    /// The leader, then all others; and all that again, a second later, for two minutes.
    Everybody,
}

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// An answer that is not 200.
    #[error("request pd http api failed with status: '{0}'")]
    Status(StatusCode),
    /// No answer.
    #[error("{method} \"http://{member}{path}\": {why}")]
    Network {
        /// What was to be done.
        method: Method,
        /// Who was asked.
        member: SocketAddr,
        /// What for.
        path: String,
        /// What went wrong.
        why: String,
    },
    /// Nobody is known whom to ask.
    #[error("[PD:client:ErrClientNoAvailableMember]no available member")]
    NoMember,
}

/// A client of the API. Each request has a connection of its own, where Go's would be kept.
#[derive(Clone, Debug)]
pub(super) struct HttpClient {
    net: Net,
    discovery: Discovery,
    route: Route,
    given: Vec<SocketAddr>,
}

impl HttpClient {
    /// `given` are the addresses in the order in which somebody wrote them down.
    pub(super) fn new(net: &Net, given: &[SocketAddr], discovery: Discovery, route: Route) -> Self {
        Self { net: net.clone(), discovery, route, given: given.to_vec() }
    }

    /// Sends `body` to `path`, along the route; the answer's body.
    pub(super) async fn request(
        &self,
        ctx: &Ctx,
        method: &Method,
        path: &str,
        body: &str,
    ) -> Result<Bytes, HttpError> {
        let mut round = 1;
        loop {
            let error = match self.round(ctx, method, path, body).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let rounds = if self.route == Route::Everybody { ROUNDS } else { 1 };
            if round >= rounds || error.is_final() || ctx.error().is_some() {
                return Err(error);
            }
            round += 1;
            self.discovery.pause(ctx, "pdhttp/backoff", INTERVAL).await;
        }
    }

    async fn round(&self, ctx: &Ctx, method: &Method, path: &str, body: &str) -> Result<Bytes, HttpError> {
        let mut last = HttpError::NoMember;
        let members = if self.route == Route::First { self.given.clone() } else { self.discovery.members() };
        for member in asked(self.route, &members, self.discovery.leader()) {
            match frame("pdhttp.doRequest", Box::pin(self.exchange(ctx, member, method, path, body))).await {
                Ok(answer) => return Ok(answer),
                Err(error) if error.is_final() => return Err(error),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn exchange(
        &self,
        ctx: &Ctx,
        member: SocketAddr,
        method: &Method,
        path: &str,
        body: &str,
    ) -> Result<Bytes, HttpError> {
        let failed =
            |why: String| HttpError::Network { method: method.clone(), member, path: path.to_owned(), why };
        let request = Request::builder().method(method).uri(path).header("host", member.to_string());
        let request = request.header("x-caller-id", "pd-http-client").body(body.to_owned());
        let request = request.map_err(|error| failed(error.to_string()))?;
        let limited = ctx.with_timeout(self.discovery.scale().timer(TIMEOUT));
        let _released = limited.cancel_on_drop();
        let exchanged =
            wait(Site::peer("http.Do", member, 0), limited.run(exchange(&self.net, member, request))).await;
        let (status, answer) = match exchanged {
            Ok(Ok(answered)) => answered,
            Ok(Err(error)) => return Err(failed(error.to_string())),
            Err(CtxError::DeadlineExceeded) => {
                return Err(failed(
                    "context deadline exceeded (Client.Timeout exceeded while awaiting headers)".to_owned(),
                ));
            }
            Err(error @ CtxError::Canceled) => return Err(failed(error.to_string())),
        };
        if status == StatusCode::OK { Ok(answer) } else { Err(HttpError::Status(status)) }
    }
}

impl HttpError {
    /// Another member would not say otherwise (pd/client/http: `noNeedRetry`).
    fn is_final(&self) -> bool {
        let of_the_request = [StatusCode::NOT_FOUND, StatusCode::FORBIDDEN, StatusCode::BAD_REQUEST];
        matches!(self, Self::Status(status) if of_the_request.contains(status))
    }
}

/// Who is asked, in order.
fn asked(route: Route, members: &[SocketAddr], leader: Option<SocketAddr>) -> Vec<SocketAddr> {
    let others = || members.iter().copied();
    match route {
        Route::First => others().take(1).collect(),
        Route::UpToTheLeader => {
            leader.into_iter().chain(others().take_while(|member| Some(*member) != leader)).collect()
        }
        Route::Everybody => {
            leader.into_iter().chain(others().filter(|member| Some(*member) != leader)).collect()
        }
    }
}

async fn exchange(
    net: &Net,
    member: SocketAddr,
    request: Request<String>,
) -> io::Result<(StatusCode, Bytes)> {
    let conn = net.connect(member).await?;
    let (mut sender, conn) = http1::handshake(TokioIo::new(conn)).await.map_err(io::Error::other)?;
    let answered = async {
        let response = sender.send_request(request).await.map_err(io::Error::other)?;
        let status = response.status();
        Ok((status, read(response.into_body()).await?))
    };
    let (mut answered, mut conn) = (pin!(answered), pin!(conn));
    tokio::select! {
        biased;
        answer = &mut answered => answer,
        // a connection that is over has left its answer, or an error
        _over = &mut conn => answered.await,
    }
}

async fn read(mut body: Incoming) -> io::Result<Bytes> {
    let mut whole = BytesMut::new();
    while let Some(part) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let part = part.map_err(io::Error::other)?;
        whole.extend_from_slice(part.data_ref().map_or(&[], |data| &data[..]));
        if whole.len() > LONGEST {
            return Err(io::Error::other("the answer is too long"));
        }
    }
    Ok(whole.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(n: u16) -> SocketAddr {
        ([127, 0, 0, 1], n).into()
    }

    #[test]
    fn who_is_asked_follows_from_the_leaders_place() {
        let members = [member(1), member(2), member(3)];
        let ports = |route, leader| -> Vec<u16> {
            asked(route, &members, Some(member(leader))).iter().map(SocketAddr::port).collect()
        };
        assert_eq!(ports(Route::First, 2), [1]);
        assert_eq!(ports(Route::UpToTheLeader, 1), [1]);
        assert_eq!(ports(Route::UpToTheLeader, 3), [3, 1, 2]);
        assert_eq!(ports(Route::Everybody, 1), [1, 2, 3]);
        assert_eq!(ports(Route::Everybody, 2), [2, 1, 3]);
    }
}
