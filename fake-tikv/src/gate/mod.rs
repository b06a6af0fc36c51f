//! The gate in front of a node's services: every call passes it, whatever its method is.
//!
//! ```text
//! client ──► Asking ──► services ──► Answering ──► client
//!              └──────── Flight ────────┘
//! ```
//!
//! It sees frames and decodes nothing. It notes each call in the journal, and carries out what scripts say of calls as they
//! stand on the wire. Without scripts that costs one atomic load a message.

mod flight;
mod frames;
mod http;
mod request;
mod response;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::future::BoxFuture;
use hyper::body::{Body, Frame};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::Service;
use hyper::{HeaderMap, Request, Response};
use pin_project_lite::pin_project;
use prost::Message;
use tonic::Status;

use self::flight::{Flight, Hold, Severed, Side};
pub(crate) use self::http::http;
use self::request::Asking;
use self::response::{Answering, GRPC_STATUS, outcome};
use crate::answer::{Answers, Rule, Then};
use crate::journal::{CURRENT, Journal, Outcome};
use crate::methods::Method;
use crate::proto::pdpb;
use crate::spec::Node;

/// What the gates of a cluster share, and whose gate one is.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    pub(crate) node: Node,
    pub(crate) cluster_id: u64,
    pub(crate) answers: Answers,
    pub(crate) journal: Journal,
}

/// A connection that has come to a gate.
#[derive(Debug)]
pub(crate) struct Connection {
    gate: Gate,
    severed: Severed,
}

impl Connection {
    pub(crate) fn new(gate: Gate) -> Arc<Self> {
        Arc::new(Self { gate, severed: Severed::default() })
    }

    /// Waits until a call wants its connection closed.
    pub(crate) fn severed(&self) -> impl Future<Output = ()> {
        poll_fn(|cx| self.severed.poll_severed(cx))
    }

    /// A call that comes on it, for these services.
    pub(crate) fn pass<B, S>(self: &Arc<Self>, services: &S, request: Request<B>) -> Passing<S::Future>
    where
        B: Body<Data = Bytes> + Unpin + Send + 'static,
        S: Service<Request<Asking<B>>, Response = Response<tonic::body::Body>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send + 'static,
    {
        let path = request.uri().path();
        let method = Method::of_path(path);
        let call = self.gate.journal.arrived(self.gate.node, method, path, false);
        let flight = Arc::new(Flight::new(call, method, self.clone()));
        let request = request.map(|body| Asking::new(body, flight.clone()));
        let (hold, instead) = flight.arrive();
        if flight.left(Side::Request).is_none() {
            flight.cut();
        }
        let stage = match (hold, instead) {
            (None, None) => Stage::Serving { response: services.call(request) },
            (hold, instead) => {
                let (services, cluster_id) = (services.clone(), self.gate.cluster_id);
                let late = async move {
                    if let Some(hold) = hold {
                        hold.await;
                    }
                    match instead {
                        Some(rule) => Ok(scripted(&rule, cluster_id)),
                        None => services.call(request).await,
                    }
                };
                Stage::Held { response: Box::pin(late) }
            }
        };
        Passing { stage, flight }
    }
}

/// A node's answer, or the error that its stream ends with.
type Answer = Result<Response<tonic::body::Body>, Infallible>;

pin_project! {
    /// A call until its response begins.
    pub(crate) struct Passing<F> {
        #[pin]
        stage: Stage<F>,
        flight: Arc<Flight>,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<F> {
        /// The handler has it.
        Serving { #[pin] response: F },
        /// A script has it first.
        Held { response: BoxFuture<'static, Answer> },
        /// A script has the handler's answer.
        Late { hold: Hold, response: Option<Response<tonic::body::Body>> },
    }
}

impl<F: Future<Output = Answer>> Future for Passing<F> {
    type Output = Result<Response<Answering>, h2::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let flight = &*this.flight;
        if flight.poll_cut(cx).is_ready() {
            return flight.end_cut().map(Err);
        }
        let noted = flight.call.noted();
        let polled = match this.stage.as_mut().project() {
            StageProjection::Serving { response } => CURRENT.sync_scope(noted.clone(), || response.poll(cx)),
            StageProjection::Held { response } => {
                CURRENT.sync_scope(noted.clone(), || response.as_mut().poll(cx))
            }
            StageProjection::Late { hold, response } => {
                ready!(hold.as_mut().poll(cx));
                let response = response.take().expect("a future that is ready is not polled again");
                return Poll::Ready(Ok(begin(response, flight, noted)));
            }
        };
        let Ok(response) = ready!(polled);
        if flight.left(Side::Response).is_none() {
            flight.cut();
            return flight.end_cut().map(Err);
        }
        if let Some(mut hold) = flight.hold_headers()
            && hold.as_mut().poll(cx).is_pending()
        {
            this.stage.set(Stage::Late { hold, response: Some(response) });
            return Poll::Pending;
        }
        Poll::Ready(Ok(begin(response, flight, noted)))
    }
}

fn begin(
    response: Response<tonic::body::Body>,
    flight: &Arc<Flight>,
    noted: crate::journal::Noted,
) -> Response<Answering> {
    let grpc = |of: &HeaderValue| of.as_bytes().starts_with(b"application/grpc");
    let headers = response.headers();
    match outcome(headers) {
        Some(outcome) => flight.call.ended(outcome),
        None if !headers.get(CONTENT_TYPE).is_some_and(grpc) => flight.call.ended(Outcome::Foreign),
        None => {}
    }
    response.map(|body| Answering::new(body, flight.clone(), noted))
}

/// What a script answers by itself.
fn scripted(rule: &Rule, cluster_id: u64) -> Response<tonic::body::Body> {
    match &rule.script.then {
        Then::Status { code, message } => Status::new(i32::from(*code).into(), message.clone()).into_http(),
        Then::PdError { r#type, message } => {
            let error = pdpb::Error { r#type: *r#type, message: message.clone() };
            let header = pdpb::ResponseHeader { cluster_id, error: Some(error) };
            // all of PD's answers have their header in field 1
            let answer = pdpb::GetMembersResponse { header: Some(header), ..Default::default() };
            let mut message = BytesMut::new();
            message.put_u8(0);
            message.put_u32(answer.encoded_len() as u32);
            message.put(&answer.encode_to_vec()[..]);
            let mut trailers = HeaderMap::new();
            trailers.insert(GRPC_STATUS, 0.into());
            let frames = [Frame::data(message.freeze()), Frame::trailers(trailers)];
            let mut response = Response::new(tonic::body::Body::new(Ready(frames.into())));
            let grpc = HeaderValue::from_static("application/grpc");
            response.headers_mut().insert(CONTENT_TYPE, grpc);
            response
        }
        then => Status::internal(format!("no answer: {then:?}")).into_http(),
    }
}

/// A body that is already there.
struct Ready(VecDeque<Frame<Bytes>>);

impl Body for Ready {
    type Data = Bytes;
    type Error = Infallible;
    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}
