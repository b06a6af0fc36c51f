//! `RawGetKeyTTL`. A real store without times to live dies of it; this one says why it cannot answer.

use super::refusal::{Check, Cmd, Refusal, cf};
use crate::cluster::admit::Peers;
use crate::kv::command::{On, Step, command};
use crate::proto::kvrpcpb::{RawGetKeyTtlRequest, RawGetKeyTtlResponse};
use crate::spec::Mode;

command! {
    RawGetKeyTtlRequest as "RawGetKeyTTL" -> RawGetKeyTtlResponse; |get, see| see(&get.key); run;
    const PEERS: Peers = Peers::AsAsked;
    fn check(&self, mode: Mode) -> Result<(), RawGetKeyTtlResponse> {
        let check = Check::api(Cmd::raw_get_key_ttl, mode, self.context.as_ref())?;
        check.keys([&self.key])?.cf(&self.cf)?;
        if check.has_ttl() { Ok(()) } else { Err(Refusal::TtlNotEnabled.into()) }
    }
}

fn run(get: &RawGetKeyTtlRequest, on: &mut On<'_>) -> Step<RawGetKeyTtlResponse> {
    let ttl = on.storage.raw.ttl(cf(&get.cf).unwrap_or_default(), &get.key, on.now());
    Step::Done(RawGetKeyTtlResponse {
        not_found: ttl.is_none(),
        ttl: ttl.unwrap_or_default(),
        ..RawGetKeyTtlResponse::default()
    })
}
