//! The same cases for a real cluster, in the form of tools that inject faults there.
//!
//! * [`pods`]: which pods a selector means
//! * `timed`: when a fault comes
//! * [`chaos_mesh`]: manifests of Chaos Mesh
//!
//! What such a tool cannot do is said, with what comes nearest; it is never replaced by something that looks alike.

pub mod chaos_mesh;
pub mod pods;
mod timed;

/// Why a case has no manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct NoEquivalent {
    /// In words.
    pub why: String,
    /// What comes nearest, or what to give.
    pub instead: String,
}

fn none<T>(why: impl Into<String>, instead: impl Into<String>) -> Result<T, NoEquivalent> {
    Err(NoEquivalent { why: why.into(), instead: instead.into() })
}
