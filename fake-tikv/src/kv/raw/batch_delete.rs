//! `RawBatchDelete`.

use super::refusal::{Check, Cmd, Refusal, cf};
use crate::kv::command::{Command, On, Step, command};
use crate::proto::kvrpcpb::{RawBatchDeleteRequest, RawBatchDeleteResponse};
use crate::spec::Mode;

command! {
    RawBatchDeleteRequest as "RawBatchDelete" -> RawBatchDeleteResponse;
    |delete, see| delete.keys.iter().for_each(see); run;
    fn check(&self, mode: Mode) -> Result<(), RawBatchDeleteResponse> {
        let cmd = if self.for_cas { Cmd::raw_atomic_store } else { Cmd::raw_batch_delete };
        let check = Check::api(cmd, mode, self.context.as_ref())?.keys(&self.keys)?.cf(&self.cf)?;
        check.sizes(self.keys.iter().filter(|_| !self.for_cas))?;
        if self.keys.is_empty() { Err(Refusal::EmptyRequest.into()) } else { Ok(()) }
    }
}

fn run(delete: &RawBatchDeleteRequest, on: &mut On<'_>) -> Step<RawBatchDeleteResponse> {
    if let Err(refused) = on.propose(delete.keys.iter().map(bytes::Bytes::len)) {
        return Step::Done(RawBatchDeleteRequest::refused(*refused));
    }
    let cf = cf(&delete.cf).unwrap_or_default();
    for key in &delete.keys {
        on.storage.raw.delete(cf, key);
    }
    Step::Done(RawBatchDeleteResponse::default())
}
