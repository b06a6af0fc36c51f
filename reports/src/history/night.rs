//! A night, and the part of it that one machine has run.

use serde::Serialize;

/// One run of everything, on one machine or on several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Night {
    /// Its name, which all parts share.
    pub name: String,
    /// When the first part began: milliseconds since 1970, UTC.
    pub started_ms: u64,
    /// The commit under test, if somebody knows.
    pub commit: Option<String>,
    /// The version of unstuck.
    pub version: String,
    /// What the fresh seeds are drawn from.
    pub seed: u64,
}

/// What one machine has run of a night.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    /// Which, from 1.
    pub part: u32,
    /// Of how many.
    pub parts: u32,
    /// `linux x86_64, 4 cores`: times on real sockets compare only between like machines.
    pub machine: String,
    /// When it began: milliseconds since 1970, UTC.
    pub started_ms: u64,
    /// When it ended; `None` if it broke off, or still runs.
    pub ended_ms: Option<u64>,
    /// Whether somebody interrupted it.
    pub interrupted: bool,
    /// How many runs it was to make.
    pub planned: u64,
}

impl Night {
    /// `2026-11-21 02:00`, UTC.
    pub fn date(&self) -> String {
        let ms = i64::try_from(self.started_ms).unwrap_or(i64::MAX);
        chrono::DateTime::from_timestamp_millis(ms)
            .map_or_else(|| "?".to_owned(), |at| at.format("%Y-%m-%d %H:%M").to_string())
    }

    /// The commit as people name it, or `unknown commit`.
    pub fn short_commit(&self) -> &str {
        let Some(commit) = &self.commit else { return "unknown commit" };
        let hash = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        if hash { &commit[..10] } else { commit }
    }
}

/// What a night is called that nobody named: `2026-11-21T02-00-00`, UTC.
pub fn name_of_time(started_ms: u64) -> String {
    let at = i64::try_from(started_ms).ok().and_then(chrono::DateTime::from_timestamp_millis);
    at.map_or_else(|| started_ms.to_string(), |at| at.format("%Y-%m-%dT%H-%M-%S").to_string())
}
