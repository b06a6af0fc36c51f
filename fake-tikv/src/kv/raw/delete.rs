//! `RawDelete`.

use super::refusal::{Check, Cmd, cf};
use crate::kv::command::{On, Step, command};
use crate::proto::kvrpcpb::{RawDeleteRequest, RawDeleteResponse};
use crate::spec::Mode;

command! {
    RawDeleteRequest as "RawDelete" -> RawDeleteResponse; |delete, see| see(&delete.key); run;
    fn check(&self, mode: Mode) -> Result<(), RawDeleteResponse> {
        let cmd = if self.for_cas { Cmd::raw_atomic_store } else { Cmd::raw_delete };
        let check = Check::api(cmd, mode, self.context.as_ref())?.keys([&self.key])?.cf(&self.cf)?;
        check.sizes([&self.key].into_iter().filter(|_| !self.for_cas))?;
        Ok(())
    }
}

fn run(delete: &RawDeleteRequest, on: &mut On<'_>) -> Step<RawDeleteResponse> {
    on.storage.raw.delete(cf(&delete.cf).unwrap_or_default(), &delete.key);
    Step::Done(RawDeleteResponse::default())
}
