//! What stores answer instead of the truth.

use tonic::Status;

use crate::proto::errorpb;

/// The scripted answers of a cluster.
#[derive(Debug, Default)]
pub(crate) struct Answers {}

/// A command that a store is about to carry out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) store: u64,
    /// As in kvproto, e.g. `RawGet`, whether it came alone or in a batch.
    pub(crate) method: &'static str,
    /// The region that it names; 0 where it names none.
    pub(crate) region: u64,
    /// Its keys, as the client names them; of ranges the starts.
    pub(crate) keys: &'a [&'a [u8]],
}

/// What is answered instead.
#[derive(Debug)]
pub(crate) enum Scripted {
    Region(Box<errorpb::Error>),
    Status(Status),
}

impl Answers {
    /// Waits as a script says, and returns what it answers; `None`: the truth.
    #[expect(clippy::unused_async, reason = "no scripts yet")]
    pub(crate) async fn instead(&self, _: Seen<'_>) -> Option<Scripted> {
        None
    }
}
