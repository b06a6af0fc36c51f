//! Task dumps: what people see of a folded one, what machines read, and Go's own forms.
//!
//! * [`terminal`]: on a terminal
//! * [`html`]: one page that needs nothing else
//! * [`json`]: for machines
//! * [`go`], [`go_profile`]: any dump in Go's forms, for the tools that read those

mod go;
mod html;
mod json;
pub(crate) mod shown;
mod terminal;
pub(crate) mod tree;

pub use go::{go, go_profile};
pub use html::html;
pub(crate) use html::{STYLE as TASKS, frames, grown, stood};
pub use json::{write, write_movement};
pub use terminal::{Detail, terminal};
