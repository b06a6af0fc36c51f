//! `RawGet`.

use crate::kv::command::{On, Step, command};
use crate::proto::kvrpcpb::{RawGetRequest, RawGetResponse};

command! { RawGetRequest as "RawGet" -> RawGetResponse; |get, see| see(&get.key); run }

fn run(get: &RawGetRequest, on: &mut On<'_>) -> Step<RawGetResponse> {
    let value = on.storage.raw.get(&get.key);
    Step::Done(RawGetResponse {
        not_found: value.is_none(),
        value: value.cloned().unwrap_or_default(),
        ..Default::default()
    })
}
