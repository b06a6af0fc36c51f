//! `KvDeleteRange`.

use crate::kv::command::{On, Step, command};
use crate::proto::kvrpcpb::{DeleteRangeRequest, DeleteRangeResponse};

command! { DeleteRangeRequest as "KvDeleteRange" -> DeleteRangeResponse; |delete, see| see(&delete.start_key); run }

/// With all versions and locks, as if they had never been. A mere notification has been heard by all peers at once.
fn run(asked: &DeleteRangeRequest, on: &mut On<'_>) -> Step<DeleteRangeResponse> {
    if !asked.notify_only {
        let (start, end) = on.clipped(&asked.start_key, &asked.end_key);
        on.storage.mvcc.destroy(&start, &end);
    }
    Step::Done(DeleteRangeResponse::default())
}
