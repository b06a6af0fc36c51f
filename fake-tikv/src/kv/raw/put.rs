//! `RawPut`.

use super::refusal::{Check, Cmd, cf};
use crate::kv::command::{Command, On, Step, command};
use crate::proto::kvrpcpb::{RawPutRequest, RawPutResponse};
use crate::spec::Mode;

command! {
    RawPutRequest as "RawPut" -> RawPutResponse; |put, see| see(&put.key); run;
    fn check(&self, mode: Mode) -> Result<(), RawPutResponse> {
        let cmd = if self.for_cas { Cmd::raw_atomic_store } else { Cmd::raw_put };
        let check = Check::api(cmd, mode, self.context.as_ref())?.keys([&self.key])?.cf(&self.cf)?;
        check.sizes([&self.key].into_iter().filter(|_| !self.for_cas))?.ttl(self.ttl)?;
        Ok(())
    }
}

fn run(put: &RawPutRequest, on: &mut On<'_>) -> Step<RawPutResponse> {
    if let Err(refused) = on.propose([put.key.len() + put.value.len()]) {
        return Step::Done(RawPutRequest::refused(*refused));
    }
    let expires = on.expires(put.ttl);
    on.storage.raw.put(cf(&put.cf).unwrap_or_default(), &put.key, &put.value, expires);
    Step::Done(RawPutResponse::default())
}
