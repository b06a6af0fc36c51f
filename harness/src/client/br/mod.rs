//! BR, store-based backup.
