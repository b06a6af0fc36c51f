//! What people and machines read of a run. Each format is one module, on the record only.
