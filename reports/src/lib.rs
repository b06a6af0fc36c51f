//! What people and machines read of a run. Each format is one module, on the record only.
//!
//! * [`terminal`]: what people read of one case, and of many
//! * [`batch`]: many cases as one report has them
//! * [`json`]: one object a case
//! * [`junit`]: what CI servers read
//! * [`github`]: what GitHub Actions shows
//! * [`dump`]: task dumps: folded, and in the forms of Go's
//! * [`page`]: one HTML file of one or many cases, with timelines
//! * [`history`]: what the nights have left, a row a run
//! * [`regression`]: what has become of a night
//! * [`compare`]: two runs, or two times many, held against each other
//! * [`shell`]: the look that pages share
//! * [`text`]: untrusted text made harmless, and lines that fit

pub mod batch;
pub mod compare;
pub mod dump;
pub mod github;
pub mod history;
pub mod json;
pub mod junit;
pub mod page;
pub mod regression;
pub mod shell;
pub mod terminal;
pub mod text;
