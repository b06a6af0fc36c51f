//! Which client is under test.

use std::fmt;

use super::suggest::{did_you_mean, list};

/// A client and its revision: `lightning@as-reported`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientRef {
    /// `lightning`
    pub name: String,
    /// `as-reported`
    pub revision: String,
}

/// The clients there are, each with its revisions; the first is meant when none is said.
pub const CLIENTS: [(&str, &[&str]); 6] = [
    ("lightning", &["as-reported", "fix-48355", "fixed"]),
    ("br", &["as-reported", "tidb-53926", "fixed"]),
    ("raw_kv", &["fixed", "issue-522", "pr-503", "issue-1713", "tiflow-3191"]),
    ("txn_kv", &["fixed", "issue-522", "pr-503", "issue-1713", "tiflow-3191"]),
    ("tso", &["fixed", "tidb-21295", "tidb-44263", "fix-44478", "pd-6889"]),
    ("pd", &["fixed", "pd-7416", "fix-7443", "tidb-43436", "tidb-46688", "tidb-49744", "tidb-48064"]),
];

/// Why a text names no client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct UnknownClient {
    /// In words.
    pub message: String,
    /// The fix, or the choices.
    pub hint: String,
}

impl ClientRef {
    /// Reads `name@revision`; without a revision, the first that the client has.
    pub fn parse(text: &str) -> Result<Self, UnknownClient> {
        let (name, revision) = text.split_once('@').map_or((text, None), |(n, r)| (n, Some(r)));
        let names: Vec<_> = CLIENTS.iter().map(|(n, _)| *n).collect();
        let Some((_, revisions)) = CLIENTS.iter().find(|(n, _)| *n == name) else {
            let message = format!("unknown client `{name}`");
            return Err(UnknownClient { message, hint: did_you_mean(name, &names) });
        };
        let revision = revision.unwrap_or(revisions[0]);
        if revisions.contains(&revision) {
            return Ok(Self { name: name.to_owned(), revision: revision.to_owned() });
        }
        let message = format!("client `{name}` has no revision `{revision}`");
        Err(UnknownClient { message, hint: did_you_mean(revision, revisions) })
    }
}

impl fmt::Display for ClientRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.revision)
    }
}

/// Every client and revision, in words.
pub fn choices() -> String {
    let all: Vec<String> =
        CLIENTS.iter().flat_map(|(n, rs)| rs.iter().map(move |r| format!("{n}@{r}"))).collect();
    list(&all.iter().map(String::as_str).collect::<Vec<_>>())
}
