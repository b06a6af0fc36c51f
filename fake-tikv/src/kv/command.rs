//! A command on keys of one region: what a request on the wire is to the cluster.

use std::time::Duration;

use bytes::Bytes;
use prost::Message;

use crate::cluster::admit::Peers;
use crate::cluster::region::Region;
use crate::proto::{errorpb, kvrpcpb};
use crate::spec::Mode;
use crate::storage::Storage;

/// A request that names one region and is answered once, alone or within a batch.
pub(crate) trait Command: Message + Default + 'static {
    type Answer: Message + Default + 'static;

    /// Its name in kvproto, e.g. `RawGet`.
    const METHOD: &'static str;

    /// Which region, in which shape, at which peer.
    fn context(&self) -> Option<&kvrpcpb::Context>;

    /// Shows each key that must lie in the region, as the client names it.
    fn each_key<'a>(&'a self, see: &mut dyn FnMut(&'a Bytes));

    /// Which of a region's peers carry it out.
    const PEERS: Peers = Peers::Leader;

    /// Whether its keys may also be the region's end: a scan backwards begins there.
    const TO_THE_END: bool = false;

    /// At which timestamp a transaction reads. A stale read is answered where that is safe.
    fn read_ts(&self) -> Option<u64> {
        None
    }

    /// What is wrong with it in whichever region.
    fn check(&self, _: Mode) -> Result<(), Self::Answer> {
        Ok(())
    }

    /// The answer that the region cannot take it.
    fn refused(error: errorpb::Error) -> Self::Answer;

    /// Carries it out. It passed its check, the store has a peer that may, and the keys lie in the region.
    fn run(&self, on: &mut On<'_>) -> Step<Self::Answer>;
}

/// What a command is carried out on, at one moment.
pub(crate) struct On<'a> {
    pub(crate) storage: &'a mut Storage,
    /// The region that it names, as it is now.
    pub(crate) region: &'a Region,
    pub(crate) store: u64,
    pub(crate) mode: Mode,
    /// Milliseconds since 1970.
    pub(crate) unix_ms: u64,
    /// How long the command has waited, over all its runs.
    pub(crate) waited: Duration,
}

/// How far a command got.
#[derive(Debug)]
pub(crate) enum Step<A> {
    Done(A),
    /// It has to wait for a lock; run it again when locks are released, and at the latest when it has waited so long.
    Wait(Duration),
}

/// Implements what all requests have in common: a context, and a region error in the answer.
///
/// `command! { RawGetRequest as "RawGet" -> RawGetResponse; |get, see| see(&get.key); run }`, where `run` is a
/// `fn(&RawGetRequest, &mut On) -> Step<RawGetResponse>`. Whatever else the command overrides follows, as in any trait.
macro_rules! command {
    (
        $request:ident as $method:literal -> $answer:ident; |$this:ident, $see:ident| $keys:expr; $run:path
        $(; $($overrides:tt)*)?
    ) => {
        impl $crate::kv::command::Command for $crate::proto::kvrpcpb::$request {
            type Answer = $crate::proto::kvrpcpb::$answer;
            const METHOD: &'static str = $method;
            fn context(&self) -> Option<&$crate::proto::kvrpcpb::Context> {
                self.context.as_ref()
            }
            fn each_key<'a>(&'a self, $see: &mut dyn FnMut(&'a bytes::Bytes)) {
                let $this = self;
                $keys
            }
            fn refused(error: $crate::proto::errorpb::Error) -> Self::Answer {
                Self::Answer { region_error: Some(error), ..Default::default() }
            }
            fn run(&self, on: &mut $crate::kv::command::On<'_>) -> $crate::kv::command::Step<Self::Answer> {
                $run(self, on)
            }
            $($($overrides)*)?
        }
    };
}
pub(crate) use command;
