//! `RawPut`.

use crate::kv::command::{On, Step, command};
use crate::proto::kvrpcpb::{RawPutRequest, RawPutResponse};

command! { RawPutRequest as "RawPut" -> RawPutResponse; |put, see| see(&put.key); run }

fn run(put: &RawPutRequest, on: &mut On<'_>) -> Step<RawPutResponse> {
    on.storage.raw.put(put.key.clone(), put.value.clone());
    Step::Done(RawPutResponse::default())
}
