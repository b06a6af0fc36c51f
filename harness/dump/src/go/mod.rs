//! Go's two forms.

mod header;
pub(crate) mod profile;
pub(crate) mod stacks;
