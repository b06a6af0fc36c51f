//! What the real patches changed, and nothing else.
//!
//! | | `as-reported` | `fix-48355` | `fixed` |
//! |---|---|---|---|
//! | context of one write | the worker's, which lives as long as the import | ends after 15 min, and when the write returns | the same |
//! | streams open when a write fails | stay open | cancelled | cancelled |
//! | a deadline told by gRPC (`DeadlineExceeded`) | retryable | retryable | `ErrWriteTooSlow`: retryable |
//! | a deadline told by the context itself | – | fails the import (tidb 61326) | `ErrWriteTooSlow`: retryable |
//! | the limiter refuses to wait past the deadline | – | fails the import (tidb 51383) | `ErrWriteTooSlow` or the same text: retryable |

use std::fmt;
use std::time::Duration;

/// Which version of the import client is under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Revision {
    /// The version of the reports: tidb 46321 (August 2023) and 48352 (November 2023).
    AsReported,
    /// With tidb pull 48355: a write has 15 minutes, and its context is cancelled when it returns.
    Fix48355,
    /// With the pulls that followed: 51425 (the limiter's refusal) and 61346 (the deadline's cause).
    Fixed,
}

/// The time for one write; source: tidb pull 48355, `doWrite`.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(15 * 60);

impl Revision {
    /// All of them, oldest first.
    pub const ALL: [Self; 3] = [Self::AsReported, Self::Fix48355, Self::Fixed];

    /// The name after the `@`.
    pub fn name(self) -> &'static str {
        match self {
            Self::AsReported => "as-reported",
            Self::Fix48355 => "fix-48355",
            Self::Fixed => "fixed",
        }
    }
    /// How long one write may take, unscaled. With a limit comes a context of its own, cancelled when the write returns.
    pub(super) fn write_timeout(self) -> Option<Duration> {
        match self {
            Self::AsReported => None,
            Self::Fix48355 | Self::Fixed => Some(WRITE_TIMEOUT),
        }
    }
    /// Whether an error after the write's deadline is told as its cause, `ErrWriteTooSlow`.
    pub(super) fn tells_the_cause(self) -> bool {
        self == Self::Fixed
    }
    /// Whether the limiter's refusal to wait past the deadline counts as retryable.
    pub(super) fn retries_refused_limit(self) -> bool {
        self == Self::Fixed
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_revisions_differ_as_the_patches_did() {
        let table =
            Revision::ALL.map(|r| (r.write_timeout(), r.tells_the_cause(), r.retries_refused_limit()));
        let limit = Some(Duration::from_secs(900));
        assert_eq!(table, [(None, false, false), (limit, false, false), (limit, true, true)]);
    }
}
