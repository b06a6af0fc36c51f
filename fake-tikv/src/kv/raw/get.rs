//! `RawGet`.

use super::refusal::{Check, Cmd, cf};
use crate::cluster::admit::Peers;
use crate::kv::command::{On, Step, command};
use crate::proto::kvrpcpb::{RawGetRequest, RawGetResponse};
use crate::spec::Mode;

command! {
    RawGetRequest as "RawGet" -> RawGetResponse; |get, see| see(&get.key); run;
    const PEERS: Peers = Peers::AsAsked;
    fn check(&self, mode: Mode) -> Result<(), RawGetResponse> {
        Check::api(Cmd::raw_get, mode, self.context.as_ref())?.keys([&self.key])?.cf(&self.cf)?;
        Ok(())
    }
}

fn run(get: &RawGetRequest, on: &mut On<'_>) -> Step<RawGetResponse> {
    let value = on.storage.raw.get(cf(&get.cf).unwrap_or_default(), &get.key, on.now());
    Step::Done(RawGetResponse {
        not_found: value.is_none(),
        value: value.cloned().unwrap_or_default(),
        ..RawGetResponse::default()
    })
}
