//! What is forgotten, and when.

use rusqlite::params;

use super::{History, HistoryError};

/// How many nights are kept. Pinned seeds are kept for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// So many of the newest nights keep every run, and the pages and records beside them.
    pub runs: u32,
    /// So many keep a line for each case: how many runs, how many failed, the mean time.
    pub sums: u32,
}

impl Default for Policy {
    /// Three months of runs; a year of sums, and a month more to look back from its end.
    fn default() -> Self {
        Self { runs: 90, sums: 400 }
    }
}

impl History {
    /// Forgets what the policy does not keep. Answers with the names of the nights whose folders can go.
    pub fn prune(&mut self, policy: Policy) -> Result<Vec<String>, HistoryError> {
        self.write(|db| {
            let old = "SELECT id FROM nights ORDER BY started_ms DESC, name DESC LIMIT -1 OFFSET ?1";
            let names = format!(
                "SELECT name FROM nights WHERE id IN ({old}) AND EXISTS (SELECT 1 FROM runs WHERE night = nights.id)
                 ORDER BY started_ms"
            );
            let mut names = db.prepare(&names)?;
            let gone = names.query_map([policy.runs], |row| row.get(0))?.collect::<Result<_, _>>()?;
            db.execute(
                &format!(
                    "INSERT OR IGNORE INTO sums SELECT night, cell, count(*), sum(ifnull(verdict, 1) = 1),
                         sum(verdict IS 2), CAST(avg(virtual_ms) AS INTEGER)
                     FROM runs WHERE night IN ({old}) GROUP BY night, cell"
                ),
                params![policy.runs],
            )?;
            db.execute(&format!("DELETE FROM runs WHERE night IN ({old})"), [policy.runs])?;
            for table in ["sums", "parts"] {
                db.execute(&format!("DELETE FROM {table} WHERE night IN ({old})"), [policy.sums])?;
            }
            db.execute(&format!("DELETE FROM nights WHERE id IN ({old})"), [policy.sums])?;
            db.execute("DELETE FROM texts WHERE id NOT IN (SELECT found FROM runs)", [])?;
            Ok(gone)
        })
    }
}
