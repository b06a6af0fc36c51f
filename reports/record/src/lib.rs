//! A run as data. The runner writes it line by line, the verdict and every report read it, and none of them
//! imports another.
//!
//! A record is JSON lines: one [`Line`] each, in the order in which things happened, every time in milliseconds
//! since the client's start. Start at [`Run`], which is a record read back. Modules, in reading order:
//!
//! * [`header`]: what was to be run: case, client, plan, limits
//! * [`event`]: what happened
//! * [`sample`]: counters, at intervals
//! * [`dump`]: every task of the client, at intervals and at the end
//! * [`calls`]: what the cluster was asked, in sum
//! * [`digest`]: dumps as people look at them: folded, named, compared
//! * [`end`]: what the cluster holds when all is over
//! * [`verdict`]: what was made of it
//! * [`run`]: reading and writing; [`acted`]: when faults really acted
//! * [`span`]: lengths of time as people write them
//! * [`phases`]: what is demanded of a run before, during and after its faults, and how that was
//! * `builder`: records made by hand, for tests (feature `builder`)

pub mod acted;
#[cfg(feature = "builder")]
pub mod builder;
pub mod calls;
pub mod digest;
pub mod dump;
pub mod end;
pub mod event;
pub mod header;
pub mod phases;
pub mod run;
pub mod sample;
pub mod span;
pub mod verdict;

use serde::{Deserialize, Serialize};

pub use calls::{CallTotals, Calls};
pub use dump::{Foreign, Frame, Resource, Runtime, Task, TaskDump, Unread, Wait};
pub use end::{End, EndReason, Work};
pub use event::{At, Event, Evidence};
pub use header::{Expect, Header, Limits, LinkInfo, PlannedFault};
pub use phases::{Demand, Demands, Passed, Phase};
pub use run::{ReadError, Run};
pub use sample::{LinkSample, Sample};
pub use span::Span;
pub use verdict::{Finding, FindingKind, Judgement, Outcome, Verdict};

/// The version of this format. A reader refuses a record whose version it does not know.
pub const VERSION: u32 = 1;

/// One line of a record.
#[expect(clippy::large_enum_variant, reason = "lines are read one by one, never kept")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Line {
    /// The first line.
    Header(Header),
    /// Something happened.
    Event(At<Event>),
    /// Counters at one moment.
    Sample(Sample),
    /// Every task at one moment.
    Dump(TaskDump),
    /// The last line that the runner writes.
    End(End),
    /// The judgement, after the end.
    Judgement(Judgement),
}
