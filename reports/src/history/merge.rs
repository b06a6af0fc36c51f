//! What other machines have seen. Merging the same history twice changes nothing the second time.

use super::{History, HistoryError};

/// Rows of `other` under the numbers that this history gives to their nights, cells and texts.
const MERGE: &str = "
    INSERT OR IGNORE INTO cells (file, name, variant, client, world)
        SELECT file, name, variant, client, world FROM other.cells ORDER BY id;
    INSERT OR IGNORE INTO texts (text) SELECT text FROM other.texts ORDER BY id;
    INSERT INTO nights (name, started_ms, commit_hash, version, seed)
        SELECT name, started_ms, commit_hash, version, seed FROM other.nights WHERE true ORDER BY started_ms
        ON CONFLICT (name) DO UPDATE SET started_ms = min(started_ms, excluded.started_ms),
            commit_hash = coalesce(commit_hash, excluded.commit_hash);
    CREATE TEMP TABLE night_of AS SELECT theirs.id AS theirs, ours.id AS ours
        FROM other.nights theirs JOIN nights ours USING (name);
    CREATE TEMP TABLE cell_of AS SELECT theirs.id AS theirs, ours.id AS ours
        FROM other.cells theirs JOIN cells ours USING (file, name, variant, client, world);
    CREATE INDEX temp.cell_of_theirs ON cell_of (theirs);
    -- a part that has ended says more than the same one while it ran
    INSERT INTO parts SELECT night_of.ours, part, parts, machine, started_ms, ended_ms, interrupted, planned
        FROM other.parts JOIN night_of ON night_of.theirs = night WHERE true
        ON CONFLICT DO UPDATE SET ended_ms = excluded.ended_ms, interrupted = excluded.interrupted
            WHERE parts.ended_ms IS NULL;
    INSERT OR IGNORE INTO sums SELECT night_of.ours, cell_of.ours, runs, bad, unknown, mean_ms
        FROM other.sums JOIN night_of ON night_of.theirs = night JOIN cell_of ON cell_of.theirs = cell;
    -- what has been summed up is not to come back
    INSERT OR IGNORE INTO runs SELECT night_of.ours, cell_of.ours, seed, origin, outcome, verdict, virtual_ms, wall_ms,
            budget_ms, baseline_ms, ours.id, touched, path
        FROM other.runs JOIN night_of ON night_of.theirs = night JOIN cell_of ON cell_of.theirs = cell
            JOIN other.texts theirs ON theirs.id = found JOIN texts ours ON ours.text = theirs.text
        WHERE NOT EXISTS (SELECT 1 FROM sums WHERE sums.night = night_of.ours AND sums.cell = cell_of.ours);
    INSERT INTO pins SELECT cell_of.ours, seed, night FROM other.pins JOIN cell_of ON cell_of.theirs = cell WHERE true
        ON CONFLICT DO UPDATE SET night = min(night, excluded.night);
    DROP TABLE night_of; DROP TABLE cell_of;
";

impl History {
    /// Takes up all that `other` holds, in one transaction. Of a run that both hold ours stays.
    pub fn merge(&mut self, other: &History) -> Result<(), HistoryError> {
        let path = other.path.to_string_lossy();
        self.told(self.db.execute("ATTACH ?1 AS other", [&path]))?;
        let merged = self.write(|db| db.execute_batch(MERGE)).map_err(|error| match error {
            // both are open: what is broken is told of the one that is read
            HistoryError::Damaged { reason, .. } => {
                HistoryError::Damaged { path: other.path.clone(), reason }
            }
            error => error,
        });
        self.told(self.db.execute("DETACH other", []))?;
        merged
    }
}
