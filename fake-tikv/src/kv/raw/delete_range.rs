//! `RawDeleteRange`: the range must lie in the region as a whole.

use super::refusal::{Check, Cmd, cf};
use crate::cluster::admit::key_not_in_region;
use crate::cluster::region::before_end;
use crate::kv::command::{Command, On, Step, command};
use crate::proto::errorpb;
use crate::proto::kvrpcpb::{RawDeleteRangeRequest, RawDeleteRangeResponse};
use crate::spec::Mode;

command! {
    RawDeleteRangeRequest as "RawDeleteRange" -> RawDeleteRangeResponse; |delete, see| see(&delete.start_key); run;
    fn check(&self, mode: Mode) -> Result<(), RawDeleteRangeResponse> {
        let check = Check::api(Cmd::raw_delete_range, mode, self.context.as_ref())?;
        check.sizes([&self.start_key, &self.end_key])?.range(&self.start_key, Some(&self.end_key))?;
        check.cf(&self.cf)?;
        Ok(())
    }
}

fn run(delete: &RawDeleteRangeRequest, on: &mut On<'_>) -> Step<RawDeleteRangeResponse> {
    let RawDeleteRangeRequest { start_key, end_key, .. } = delete;
    let refused = |error| Step::Done(RawDeleteRangeRequest::refused(error));
    if !before_end(start_key, end_key) {
        let (start, end) = (&start_key[..], &end_key[..]);
        let message = format!("invalid delete range command, start_key: {start:?}, end_key: {end:?}");
        return refused(errorpb::Error { message, ..errorpb::Error::default() });
    }
    let (end, last) = (on.mode.region_key(end_key), &on.region.meta.end_key);
    if !last.is_empty() && (end.is_empty() || end > *last) {
        return refused(*key_not_in_region(on.region, &end));
    }
    on.storage.raw.delete_range(cf(&delete.cf).unwrap_or_default(), start_key, end_key);
    Step::Done(RawDeleteRangeResponse::default())
}
