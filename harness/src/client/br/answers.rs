//! What the stores' answers mean: a range done, something to try again in the next round, or the end.

use std::collections::BTreeMap;

use fake_tikv::proto::backup;

/// One answer of a store's stream.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) store: u64,
    pub(super) response: backup::BackupResponse,
}

/// So many errors that nobody knows are borne from one store in one round.
const UNKNOWN_LIMIT: u32 = 10;

/// The errors of one round.
#[derive(Debug, Default)]
pub(super) struct ErrorContext {
    unknown: BTreeMap<u64, u32>,
}

impl ErrorContext {
    /// `Some` says why the whole backup has to fail. Everything else is left to the next round.
    pub(super) fn fatal(&mut self, store: u64, error: &backup::Error) -> Option<String> {
        let reason = match &error.detail {
            Some(backup::error::Detail::KvError(_) | backup::error::Detail::RegionError(_)) => return None,
            Some(backup::error::Detail::ClusterIdError(_)) => "cluster ID mismatch".to_owned(),
            None => self.unknown(store, &error.msg)?.to_owned(),
        };
        Some(format!("error happen in store {store}: {reason}: {}", error.msg))
    }

    fn unknown(&mut self, store: u64, message: &str) -> Option<&'static str> {
        let message = message.to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
        if says(&["no such file or directory", "nosuchkey", "notfound"]) {
            return Some("file or directory not found");
        }
        if says(&["permissiondenied", "permission denied", "accessdenied"]) {
            return Some("permission denied");
        }
        if says(&["timeout", "timed out", "connection", "server closed", "channel closed"]) {
            return None;
        }
        let count = self.unknown.entry(store).or_default();
        *count += 1;
        (*count > UNKNOWN_LIMIT).then_some("unknown error and retry too many times")
    }
}

#[cfg(test)]
mod tests {
    use fake_tikv::proto::{errorpb, kvrpcpb};

    use super::*;

    fn with(detail: backup::error::Detail) -> backup::Error {
        backup::Error { msg: "m".to_owned(), detail: Some(detail) }
    }
    fn says(message: &str) -> backup::Error {
        backup::Error { msg: message.to_owned(), detail: None }
    }

    #[test]
    fn region_and_kv_errors_are_left_to_the_next_round() {
        let mut context = ErrorContext::default();
        assert_eq!(
            context.fatal(4, &with(backup::error::Detail::RegionError(errorpb::Error::default()))),
            None
        );
        assert_eq!(
            context.fatal(4, &with(backup::error::Detail::KvError(kvrpcpb::KeyError::default()))),
            None
        );
    }

    #[test]
    fn another_cluster_and_a_closed_folder_end_the_backup() {
        let mut context = ErrorContext::default();
        let other = with(backup::error::Detail::ClusterIdError(backup::ClusterIdError::default()));
        assert!(context.fatal(4, &other).unwrap().contains("cluster ID mismatch"));
        assert!(context.fatal(4, &says("IO: Permission denied (os error 13)")).is_some());
        assert!(context.fatal(4, &says("IO: No such file or directory")).is_some());
    }

    #[test]
    fn the_eleventh_unknown_error_of_a_store_ends_the_backup() {
        let mut context = ErrorContext::default();
        for _ in 0..10 {
            assert_eq!(context.fatal(4, &says("strange")), None);
            assert_eq!(context.fatal(4, &says("dispatch timed out")), None);
        }
        assert_eq!(context.fatal(5, &says("strange")), None);
        assert!(context.fatal(4, &says("strange")).is_some());
    }
}
