//! `RawCompareAndSwap`: answers with the value before, whether it was the expected one or not.

use super::refusal::{Check, Cmd, cf};
use crate::kv::command::{Command, On, Step, command};
use crate::proto::kvrpcpb::{RawCasRequest, RawCasResponse};
use crate::spec::Mode;

command! {
    RawCasRequest as "RawCompareAndSwap" -> RawCasResponse; |cas, see| see(&cas.key); run;
    fn check(&self, mode: Mode) -> Result<(), RawCasResponse> {
        let check = Check::api(Cmd::raw_compare_and_swap, mode, self.context.as_ref())?;
        check.keys([&self.key])?.cf(&self.cf)?.ttl(self.ttl)?;
        Ok(())
    }
}

fn run(cas: &RawCasRequest, on: &mut On<'_>) -> Step<RawCasResponse> {
    let cf = cf(&cas.cf).unwrap_or_default();
    let before = on.storage.raw.get(cf, &cas.key, on.now()).cloned();
    let expected = (!cas.previous_not_exist).then_some(&cas.previous_value);
    let succeed = before.as_ref() == expected;
    if succeed {
        if let Err(refused) = on.propose([cas.key.len() + cas.value.len()]) {
            return Step::Done(RawCasRequest::refused(*refused));
        }
        let expires = on.expires(cas.ttl);
        on.storage.raw.put(cf, &cas.key, &cas.value, expires);
    }
    Step::Done(RawCasResponse {
        succeed,
        previous_not_exist: before.is_none(),
        previous_value: before.unwrap_or_default(),
        ..RawCasResponse::default()
    })
}
