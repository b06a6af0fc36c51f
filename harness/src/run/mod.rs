//! One case from plan to record.
