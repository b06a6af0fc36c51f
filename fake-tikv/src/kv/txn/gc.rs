//! `KvGC`.

use bytes::Bytes;

use crate::kv::command::{On, Step, command};
use crate::proto::kvrpcpb::{GcRequest, GcResponse};

command! { GcRequest as "KvGC" -> GcResponse; |_gc, _see| {}; run }

/// All of the region. Today's stores do it by themselves and leave this call out; old clients and this cluster's have it.
fn run(asked: &GcRequest, on: &mut On<'_>) -> Step<GcResponse> {
    let (start, end) = on.clipped(&Bytes::new(), &Bytes::new());
    on.storage.mvcc.collect(&start, &end, asked.safe_point);
    Step::Done(GcResponse::default())
}
