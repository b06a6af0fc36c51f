//! The report for machines. The schema is `reports/schema/nightly.json`.

use super::Report;

/// The report as one JSON object.
pub fn json(report: &Report) -> String {
    serde_json::to_string(report).expect("every field is plain data") + "\n"
}
