//! tonic, client and server, over a link whose toxics know HTTP/2. Times are exact in the sim.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::time::Instant;
use tonic::codegen::Service;
use tonic::codegen::http::Uri;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status as Outcome};
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::server::HealthReporter;
use unstuck_net::{Conn, Net};
use unstuck_proxy::toxic::h2::{Delay, ErrorCode, Goaway, H2, Hold, Part, Refuse, Reset, Status};
use unstuck_proxy::toxic::{Only, Stream};
use unstuck_proxy::{Placed, Proxy, Toxic};

use crate::h2_toxics::toxic;
use crate::path::*;

const CHECK: &str = "/grpc.health.v1.Health/Check";
const WATCH: &str = "/grpc.health.v1.Health/Watch";

/// Dials the proxy.
#[derive(Clone)]
struct Connector(Net);

impl Service<Uri> for Connector {
    type Response = TokioIo<Conn>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = std::io::Result<TokioIo<Conn>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let net = self.0.clone();
        let addr = uri.authority().unwrap().as_str().parse().unwrap();
        Box::pin(async move { net.connect(addr).await.map(TokioIo::new) })
    }
}

/// A health service behind a link.
struct Behind {
    health: HealthClient<Channel>,
    reporter: HealthReporter,
    proxy: Proxy,
}

impl Behind {
    async fn link(net: &Net, toxic: Toxic) -> (Self, Placed) {
        let mut path = Path::new(net);
        let placed = path.proxy.add(toxic).unwrap();
        let (reporter, service) = tonic_health::server::health_reporter();
        let (addr, proxy) = (path.proxy.addr(), path.proxy.clone());
        tokio::spawn(async move {
            loop {
                let (conn, _) = path.node.accept().await.unwrap();
                let mut http2 = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                http2.timer(TokioTimer::new()).auto_date_header(false);
                let service = TowerToHyperService::new(tonic::service::Routes::new(service.clone()));
                tokio::spawn(http2.serve_connection(TokioIo::new(conn), service));
            }
        });
        let channel = Endpoint::from_shared(format!("http://{addr}")).unwrap();
        let channel = channel.connect_with_connector(Connector(net.clone())).await.unwrap();
        (Self { health: HealthClient::new(channel), reporter, proxy }, placed)
    }

    /// A unary call.
    async fn check(&self) -> Result<(), Outcome> {
        self.health.clone().check(HealthCheckRequest::default()).await.map(drop)
    }

    /// A stream that the server writes to twice.
    async fn watch(&self) -> Result<(), Outcome> {
        let mut said = self.health.clone().watch(HealthCheckRequest::default()).await?.into_inner();
        said.message().await?.expect("what it is");
        self.reporter.set_service_status("", ServingStatus::NotServing).await;
        said.message().await?.expect("what it has become");
        self.reporter.set_service_status("", ServingStatus::Serving).await;
        Ok(())
    }
}

fn code(outcome: Result<(), Outcome>) -> Code {
    outcome.map_or_else(|status| status.code(), |()| Code::Ok)
}

#[test]
fn what_tonic_sees_of_each_end_and_the_other_method_sees_nothing() {
    let refuse = Refuse { path: CHECK.parse().unwrap(), ..Refuse::default() };
    let status = Status { path: CHECK.parse().unwrap(), status: 8, message: "100 % full\n".into(), nth: 0 };
    let reset = |part| Reset { path: CHECK.parse().unwrap(), part, error: ErrorCode::CANCEL, nth: 0 };
    let cases = [
        (Stream::Upstream, H2::Refuse(refuse), Code::Unavailable),
        (Stream::Upstream, H2::Status(status), Code::ResourceExhausted),
        (Stream::Upstream, H2::Reset(reset(Part::Data)), Code::Cancelled),
        (Stream::Downstream, H2::Reset(reset(Part::Headers)), Code::Cancelled),
        (Stream::Downstream, H2::Reset(reset(Part::Data)), Code::Cancelled),
        (Stream::Downstream, H2::Reset(reset(Part::Trailers)), Code::Cancelled),
    ];
    for (stream, what, ends) in cases {
        in_both(async |net| {
            let (service, placed) = Behind::link(&net, toxic(stream, what.clone())).await;
            for _ in 0..3 {
                soon(service.watch()).await.unwrap();
                let outcome = soon(service.check()).await;
                if ends == Code::ResourceExhausted {
                    assert_eq!(outcome.clone().unwrap_err().message(), "100 % full\n");
                }
                assert_eq!(code(outcome), ends, "{what:?}");
            }
            drop(placed);
            soon(service.check()).await.unwrap();
            soon(service.watch()).await.unwrap();
            assert_eq!(service.proxy.stats().accepted, 1, "all over one connection");
        });
    }
}

#[test]
fn a_held_status_is_a_call_that_does_not_end() {
    in_both(async |net| {
        let hold = Hold { path: CHECK.parse().unwrap(), part: Part::Trailers };
        let (service, placed) = Behind::link(&net, toxic(Stream::Downstream, H2::Hold(hold))).await;
        let call = service.check();
        tokio::pin!(call);
        assert!(tokio::time::timeout(50 * MS, &mut call).await.is_err());
        soon(service.watch()).await.unwrap();
        drop(placed);
        soon(call).await.unwrap();
    });
}

#[test]
fn a_delayed_message_is_late_to_the_millisecond() {
    in_sim(async |net| {
        let delay = Delay { path: WATCH.parse().unwrap(), part: Part::Data, delay: Duration::from_secs(7) };
        let (service, _placed) = Behind::link(&net, toxic(Stream::Downstream, H2::Delay(delay))).await;
        let start = Instant::now();
        service.check().await.unwrap();
        let unary = start.elapsed();
        assert!(unary < 20 * MS, "{unary:?}");
        let start = Instant::now();
        service.watch().await.unwrap();
        // two messages, the second caused by the first; the rest is a few transits of a millisecond
        let late = start.elapsed().checked_sub(Duration::from_secs(14)).expect("each is late");
        assert!(late < 20 * MS, "{late:?}");
    });
}

#[test]
fn after_a_goaway_tonic_goes_on_over_another_connection() {
    in_both(async |net| {
        let goaway = Goaway { after_streams: 2, ..Goaway::default() };
        let once = Toxic {
            only: Only { connection: Some(1), ..Only::default() },
            ..toxic(Stream::Downstream, H2::Goaway(goaway))
        };
        let (service, _placed) = Behind::link(&net, once).await;
        for _ in 0..4 {
            soon(service.check()).await.unwrap();
        }
        assert_eq!(service.proxy.stats().accepted, 2);
    });
}
