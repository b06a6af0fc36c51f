//! Exit codes.

use std::process::ExitCode;

use unstuck_record::Verdict;

/// How the command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Every case passed.
    Pass,
    /// A case failed.
    Fail,
    /// No case failed, but some show nothing.
    Unknown,
    /// A scenario file, or a record, is wrong.
    Scenario,
    /// The harness itself failed, or was called wrongly.
    Harness,
    /// Ctrl-C.
    Interrupted,
}

impl Exit {
    /// What the verdicts of a batch come to. No verdict at all is not a pass.
    pub fn of(verdicts: impl IntoIterator<Item = Verdict>) -> Self {
        let (mut any, mut unknown) = (false, false);
        for verdict in verdicts {
            any = true;
            match verdict {
                Verdict::Fail => return Self::Fail,
                Verdict::Unknown => unknown = true,
                Verdict::Pass => {}
            }
        }
        if any && !unknown { Self::Pass } else { Self::Unknown }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Pass => 0,
            Exit::Fail => 1,
            Exit::Unknown => 2,
            Exit::Scenario => 3,
            Exit::Harness => 4,
            Exit::Interrupted => 130,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;
    use unstuck_record::Verdict::{Fail, Pass, Unknown};

    #[test]
    fn one_failure_outweighs_all_and_nothing_run_is_not_a_pass() {
        assert_eq!(Exit::of([Pass, Unknown, Fail]), Exit::Fail);
        assert_eq!(Exit::of([Pass, Unknown]), Exit::Unknown);
        assert_eq!(Exit::of([Pass, Pass]), Exit::Pass);
        assert_eq!(Exit::of([]), Exit::Unknown);
    }
}
