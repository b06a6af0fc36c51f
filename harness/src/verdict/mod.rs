//! Checkers over the record.
