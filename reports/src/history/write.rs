//! Nights that begin and end, runs that are appended, seeds that are pinned.

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::code::{ORIGINS, OUTCOMES, VERDICTS, encoded};
use super::{Cell, History, HistoryError, Night, Part, Row};

/// So many failing seeds of one cell are pinned; more of them show the same again.
const PINS: u32 = 10;

/// One machine's part of a night, while it runs. Every run is committed as it is appended.
#[derive(Debug)]
pub struct Appender {
    history: History,
    night: i64,
    part: (u32, u32),
}

impl Appender {
    /// Begins a part of a night; the night too, if this is its first part.
    pub fn begin(mut history: History, night: &Night, part: &Part) -> Result<Self, HistoryError> {
        let id = history.write(|db| {
            let id = night_id(db, night)?;
            db.execute(
                "INSERT OR REPLACE INTO parts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    id,
                    part.part,
                    part.parts,
                    part.machine,
                    part.started_ms.cast_signed(),
                    part.ended_ms.map(u64::cast_signed),
                    part.interrupted,
                    part.planned.cast_signed()
                ],
            )?;
            Ok(id)
        })?;
        Ok(Self { history, night: id, part: (part.part, part.parts) })
    }

    /// Appends a run. One of the same seed that was there already is replaced.
    pub fn append(&mut self, cell: &Cell, row: &Row) -> Result<(), HistoryError> {
        self.append_all([(cell, row)])
    }

    /// Appends many at once, all or none.
    pub fn append_all<'a>(
        &mut self,
        runs: impl IntoIterator<Item = (&'a Cell, &'a Row)>,
    ) -> Result<(), HistoryError> {
        let night = self.night;
        self.history.write(|db| runs.into_iter().try_for_each(|(cell, row)| insert(db, night, cell, row)))
    }

    /// Pins a seed, so that it runs every night from now on. False if the cell has enough of them.
    pub fn pin(&mut self, cell: &Cell, seed: u64) -> Result<bool, HistoryError> {
        let night = self.night;
        self.history.write(|db| {
            let cell = cell_id(db, cell)?;
            let pinned: u32 =
                db.query_row("SELECT count(*) FROM pins WHERE cell = ?1", [cell], |row| row.get(0))?;
            if pinned >= PINS {
                return Ok(false);
            }
            db.execute(
                "INSERT OR IGNORE INTO pins SELECT ?1, ?2, name FROM nights WHERE id = ?3",
                params![cell, seed.cast_signed(), night],
            )?;
            Ok(true)
        })
    }

    /// Ends the part.
    pub fn end(mut self, ended_ms: u64, interrupted: bool) -> Result<History, HistoryError> {
        let (night, (part, parts)) = (self.night, self.part);
        self.history.write(|db| {
            db.execute(
                "UPDATE parts SET ended_ms = ?1, interrupted = ?2 WHERE night = ?3 AND part = ?4 AND parts = ?5",
                params![ended_ms.cast_signed(), interrupted, night, part, parts],
            )
        })?;
        Ok(self.history)
    }
}

fn night_id(db: &Transaction<'_>, night: &Night) -> rusqlite::Result<i64> {
    db.query_row(
        "INSERT INTO nights (name, started_ms, commit_hash, version, seed) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (name) DO UPDATE SET started_ms = min(started_ms, excluded.started_ms),
             commit_hash = coalesce(commit_hash, excluded.commit_hash)
         RETURNING id",
        params![
            night.name,
            night.started_ms.cast_signed(),
            night.commit,
            night.version,
            night.seed.cast_signed()
        ],
        |row| row.get(0),
    )
}

fn cell_id(db: &Transaction<'_>, cell: &Cell) -> rusqlite::Result<i64> {
    let all = params![cell.file, cell.name, cell.variant, cell.client, cell.world];
    let mut find = db.prepare_cached(
        "SELECT id FROM cells WHERE file = ?1 AND name = ?2 AND variant = ?3 AND client = ?4 AND world = ?5",
    )?;
    if let Some(id) = find.query_row(all, |row| row.get(0)).optional()? {
        return Ok(id);
    }
    db.execute("INSERT INTO cells (file, name, variant, client, world) VALUES (?1, ?2, ?3, ?4, ?5)", all)?;
    Ok(db.last_insert_rowid())
}

fn text_id(db: &Transaction<'_>, text: &str) -> rusqlite::Result<i64> {
    let mut find = db.prepare_cached("SELECT id FROM texts WHERE text = ?1")?;
    if let Some(id) = find.query_row([text], |row| row.get(0)).optional()? {
        return Ok(id);
    }
    db.execute("INSERT INTO texts (text) VALUES (?1)", [text])?;
    Ok(db.last_insert_rowid())
}

fn insert(db: &Transaction<'_>, night: i64, cell: &Cell, row: &Row) -> rusqlite::Result<()> {
    let (cell, found) = (cell_id(db, cell)?, text_id(db, &row.found)?);
    let mut insert = db.prepare_cached(
        "INSERT OR REPLACE INTO runs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?;
    insert.execute(params![
        night,
        cell,
        row.seed.cast_signed(),
        encoded(&ORIGINS, &row.origin),
        row.outcome.map(|outcome| encoded(&OUTCOMES, &outcome)),
        row.verdict.map(|verdict| encoded(&VERDICTS, &verdict)),
        row.virtual_ms.cast_signed(),
        row.wall_ms.cast_signed(),
        row.budget_ms.cast_signed(),
        row.baseline_ms.map(u64::cast_signed),
        found,
        row.touched,
        row.path.as_deref()
    ])?;
    Ok(())
}
