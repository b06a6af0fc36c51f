//! What people and machines read of a run. Each format is one module, on the record only.
//!
//! * [`terminal`]: what people read of one case, and of many
//! * [`json`]: one object a case
//! * [`dump`]: task dumps: folded, and in the forms of Go's
//! * [`text`]: untrusted text made harmless, and lines that fit

pub mod dump;
pub mod json;
pub mod terminal;
pub mod text;
