//! A command on keys of one region: what a request on the wire is to the cluster.

use std::time::Duration;

use bytes::Bytes;
use prost::Message;

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

    /// The answer that the region cannot take it.
    fn refused(error: errorpb::Error) -> Self::Answer;

    /// Carries it out. The store leads the region, and the keys lie in it.
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
/// `fn(&RawGetRequest, &mut On) -> Step<RawGetResponse>`.
macro_rules! command {
    ($request:ident as $method:literal -> $answer:ident; |$this:ident, $see:ident| $keys:expr; $run:path) => {
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
        }
    };
}
pub(crate) use command;

/// A request for a store as a whole, whichever regions it has.
pub(crate) trait StoreCommand: Message + 'static {
    type Answer: Message + Default + 'static;

    /// Its name in kvproto.
    const METHOD: &'static str;

    /// The answer with a region error, which only a script gives.
    fn refused(error: errorpb::Error) -> Self::Answer;

    fn run(&self, on: &mut OnStore<'_>) -> Self::Answer;
}

/// What it is carried out on.
pub(crate) struct OnStore<'a> {
    pub(crate) storage: &'a mut Storage,
    pub(crate) store: u64,
    /// Milliseconds since 1970.
    pub(crate) unix_ms: u64,
}

/// Implements what all requests to a whole store have in common.
macro_rules! store_command {
    ($request:ident as $method:literal -> $answer:ident; $run:path) => {
        impl $crate::kv::command::StoreCommand for $crate::proto::kvrpcpb::$request {
            type Answer = $crate::proto::kvrpcpb::$answer;
            const METHOD: &'static str = $method;
            fn refused(error: $crate::proto::errorpb::Error) -> Self::Answer {
                Self::Answer { region_error: Some(error), ..Default::default() }
            }
            fn run(&self, on: &mut $crate::kv::command::OnStore<'_>) -> Self::Answer {
                $run(self, on)
            }
        }
    };
}
pub(crate) use store_command;
