//! The `Tikv` service of one store: each command alone, or many on one stream.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tonic::{Request, Response, Status};

use super::Store;
use crate::proto::kvrpcpb;
use crate::proto::tikvpb::tikv_server::Tikv;
use crate::proto::tikvpb::{batch_commands_request, batch_commands_response};

/// The commands, each as a method of the service, as the request in a batch, and with its type.
macro_rules! commands {
    ($($method:ident, $in_batch:ident, $request:ident -> $answer:ident;)*) => {
        #[tonic::async_trait]
        impl Tikv for Arc<Store> {
            $(async fn $method(
                &self,
                request: Request<kvrpcpb::$request>,
            ) -> Result<Response<kvrpcpb::$answer>, Status> {
                self.carry_out(request.into_inner()).await.map(Response::new)
            })*
        }

        impl Store {
            /// Carries out one command of a batch.
            #[expect(dead_code, reason = "no batches yet")]
            pub(super) fn in_batch(
                self: &Arc<Self>,
                request: batch_commands_request::request::Cmd,
            ) -> BoxFuture<'static, Result<batch_commands_response::response::Cmd, Status>> {
                use batch_commands_request::request::Cmd as Asked;
                use batch_commands_response::response::Cmd as Answered;
                let store = self.clone();
                match request {
                    $(Asked::$in_batch(command) => Box::pin(async move {
                        Ok(Answered::$in_batch(store.carry_out_in_batch(command).await?))
                    }),)*
                    _ => Box::pin(async { Err(Status::unimplemented("not a command that this store knows")) }),
                }
            }
        }
    };
}

commands! {
    raw_get, RawGet, RawGetRequest -> RawGetResponse;
    raw_put, RawPut, RawPutRequest -> RawPutResponse;
}
