//! What the report says of nights that are known.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod exact;
mod forms;
mod nights;
mod notes;
mod real;
mod standing;

use nights::Nights;
use unstuck_reports::regression::{Report, Settings};

/// The report of the last night.
fn report(nights: &Nights) -> Report {
    Report::of(&nights.window(), &Settings::default()).unwrap()
}
