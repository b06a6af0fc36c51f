//! What people read of a run: one case in full, many cases in a line each.

mod case;
pub(crate) mod colour;
mod plan;
mod summary;

pub use case::case;
pub(crate) use case::{Seen, again, during, end_ms, found, kind, outcome, rows, verdict, why};
pub(crate) use plan::{Acted, effect, evidence, named, planned};
pub use summary::summary;

/// How a report is to look. The default is plain, 110 columns wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether ANSI colours may be used.
    pub colour: bool,
    /// The widest a line may be.
    pub width: usize,
}

impl Default for Style {
    fn default() -> Self {
        Self { colour: false, width: 110 }
    }
}

/// What is not in the record: it differs from run to run of the same seed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Aside<'a> {
    /// Where the record is kept.
    pub record: Option<&'a str>,
    /// What is kept beside it, each with a word for it.
    pub beside: &'a [(&'a str, String)],
    /// How long the run took on the wall clock.
    pub wall_ms: Option<u64>,
}
