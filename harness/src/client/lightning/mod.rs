//! TiDB Lightning, local backend.
