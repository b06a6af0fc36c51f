//! Whether a node says that it serves: gRPC's own health service, version 1.
//!
//! A node answers for itself as a whole (the service with the empty name) and knows no others.

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::sync::watch;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health as Protocol, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

/// What one node says about itself; serving at first.
#[derive(Debug)]
pub(crate) struct Health(watch::Sender<ServingStatus>);

impl Health {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(ServingStatus::Serving))
    }

    /// Says from now on that it serves, or that it does not; tells whoever watches.
    pub(crate) fn set(&self, serving: bool) {
        self.0.send_replace(if serving { ServingStatus::Serving } else { ServingStatus::NotServing });
    }

    pub(crate) fn service(&self) -> HealthServer<impl Protocol> {
        HealthServer::new(Service(self.0.subscribe()))
    }
}

struct Service(watch::Receiver<ServingStatus>);

fn answer(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}

#[tonic::async_trait]
impl Protocol for Service {
    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, Status>>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        match request.get_ref().service.as_str() {
            "" => Ok(Response::new(answer(*self.0.borrow()))),
            other => Err(Status::not_found(format!("unknown service `{other}`"))),
        }
    }

    /// Answers at once and at each change. A service that is not known may come one day: its stream stays open.
    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        if !request.get_ref().service.is_empty() {
            let unknown = stream::iter([Ok(answer(ServingStatus::ServiceUnknown))]);
            return Ok(Response::new(unknown.chain(stream::pending()).boxed()));
        }
        let mut status = self.0.clone();
        status.mark_changed();
        let changes = stream::unfold(status, |mut status| async move {
            status.changed().await.ok()?;
            let now = *status.borrow_and_update();
            Some((Ok(answer(now)), status))
        });
        Ok(Response::new(changes.boxed()))
    }
}
