//! The nights back.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{OptionalExtension as _, params};

use super::code::{ORIGINS, OUTCOMES, VERDICTS, decoded};
use super::row::Origin;
use super::{Cell, History, HistoryError, Night, Part, Row};

/// A night as far as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The night.
    pub night: Night,
    /// Its parts, in order.
    pub parts: Vec<Part>,
}

/// One cell in the nights of a window.
#[derive(Clone, Debug)]
pub struct CellSeen {
    /// Which.
    pub cell: Cell,
    /// The nights in which it ran (their places in the window) with its runs by seed, oldest first.
    pub nights: Vec<(usize, Vec<Row>)>,
    /// If it was bad in its first night and in its last: the nights before the window, newest first, and whether it
    /// was bad in them.
    pub older: Vec<(Night, bool)>,
}

/// Some nights, and all that ran in them.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// Oldest first.
    pub nights: Vec<Seen>,
    /// By file, case, variant, client and world.
    pub cells: Vec<CellSeen>,
}

impl Seen {
    /// Whether this cell had its turn: its part was seen, ended, and nobody interrupted it.
    pub fn had_its_turn(&self, cell: &Cell) -> bool {
        self.part_of(cell).is_some_and(|part| part.ended_ms.is_some() && !part.interrupted)
    }

    /// The part whose turn the cell was.
    pub fn part_of(&self, cell: &Cell) -> Option<&Part> {
        self.parts.iter().find(|part| cell.is_of(part.part, part.parts))
    }
}

impl History {
    /// The newest `nights` nights, or those up to the one called `until`.
    pub fn window(&self, nights: u32, until: Option<&str>) -> Result<Window, HistoryError> {
        if let Some(name) = until {
            self.must_have(name)?;
        }
        self.told(self.window_of(nights, until))
    }

    /// The seeds that are pinned to a cell, by number.
    pub fn pins(&self, cell: &Cell) -> Result<Vec<u64>, HistoryError> {
        self.told((|| {
            let mut pins = self.db.prepare_cached(
                "SELECT seed FROM pins JOIN cells ON cells.id = cell
                 WHERE file = ?1 AND name = ?2 AND variant = ?3 AND client = ?4 AND world = ?5 ORDER BY seed",
            )?;
            let seeds = pins
                .query_map(params![cell.file, cell.name, cell.variant, cell.client, cell.world], |row| {
                    Ok(row.get::<_, i64>(0)?.cast_unsigned())
                })?;
            seeds.collect()
        })())
    }

    fn must_have(&self, name: &str) -> Result<(), HistoryError> {
        let found: Option<i64> = self.told(
            self.db.query_row("SELECT 1 FROM nights WHERE name = ?1", [name], |row| row.get(0)).optional(),
        )?;
        if found.is_some() {
            return Ok(());
        }
        let newest = "SELECT name FROM nights ORDER BY started_ms DESC, name DESC LIMIT 1";
        let last: Option<String> = self.told(self.db.query_row(newest, [], |row| row.get(0)).optional())?;
        let last = last.map_or_else(|| "not there either".to_owned(), |last| format!("`{last}`"));
        Err(HistoryError::NoSuchNight { path: self.path.clone(), night: name.to_owned(), last })
    }

    fn window_of(&self, nights: u32, until: Option<&str>) -> rusqlite::Result<Window> {
        let (seen, places) = self.nights(nights, until)?;
        let mut cells = self.cells()?;
        let texts = self.texts()?;
        let mut rows = self.db.prepare(
            "SELECT cell, seed, origin, outcome, verdict, virtual_ms, wall_ms, budget_ms, baseline_ms, found, touched,
                 path FROM runs WHERE night = ?1 ORDER BY cell, seed",
        )?;
        for (place, id) in places.iter().enumerate() {
            let mut found = rows.query([id])?;
            while let Some(row) = found.next()? {
                let Some(cell) = cells.get_mut(&row.get(0)?) else { continue };
                let read = read_row(row, &texts)?;
                match cell.nights.last_mut() {
                    Some((last, rows)) if *last == place => rows.push(read),
                    _ => cell.nights.push((place, vec![read])),
                }
            }
        }
        let bad =
            |night: Option<&(usize, Vec<Row>)>| night.is_some_and(|(_, rows)| rows.iter().any(Row::is_bad));
        for (id, cell) in &mut cells {
            if bad(cell.nights.first()) && bad(cell.nights.last()) {
                cell.older = self.older(*id, &seen[cell.nights[0].0].night)?;
            }
        }
        let mut cells: Vec<CellSeen> = cells.into_values().filter(|cell| !cell.nights.is_empty()).collect();
        cells.sort_by(|a, b| a.cell.cmp(&b.cell));
        Ok(Window { nights: seen, cells })
    }

    /// The nights with their numbers in the file, oldest first.
    fn nights(&self, count: u32, until: Option<&str>) -> rusqlite::Result<(Vec<Seen>, Vec<i64>)> {
        let mut nights = self.db.prepare(
            "SELECT id, name, started_ms, commit_hash, version, seed FROM nights
             WHERE ?1 IS NULL OR (started_ms, name) <= (SELECT started_ms, name FROM nights WHERE name = ?1)
             ORDER BY started_ms DESC, name DESC LIMIT ?2",
        )?;
        let found = nights.query_map(params![until, count], |row| Ok((read_night(row)?, row.get(0)?)))?;
        let mut found = found.collect::<Result<Vec<(Night, i64)>, _>>()?;
        found.reverse();
        let mut parts = self.db.prepare(
            "SELECT part, parts, machine, started_ms, ended_ms, interrupted, planned FROM parts WHERE night = ?1
             ORDER BY parts, part",
        )?;
        let mut seen = vec![];
        for (night, id) in &found {
            let parts = parts.query_map([id], read_part)?.collect::<Result<_, _>>()?;
            seen.push(Seen { night: night.clone(), parts });
        }
        Ok((seen, found.into_iter().map(|(_, id)| id).collect()))
    }

    fn cells(&self) -> rusqlite::Result<BTreeMap<i64, CellSeen>> {
        let mut cells = self.db.prepare("SELECT id, file, name, variant, client, world FROM cells")?;
        let found = cells.query_map([], |row| {
            let cell = Cell {
                file: row.get(1)?,
                name: row.get(2)?,
                variant: row.get(3)?,
                client: row.get(4)?,
                world: row.get(5)?,
            };
            Ok((row.get(0)?, CellSeen { cell, nights: vec![], older: vec![] }))
        })?;
        found.collect()
    }

    fn texts(&self) -> rusqlite::Result<BTreeMap<i64, Arc<str>>> {
        let mut texts = self.db.prepare("SELECT id, text FROM texts")?;
        let found = texts.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?.into())))?;
        found.collect()
    }

    fn older(&self, cell: i64, before: &Night) -> rusqlite::Result<Vec<(Night, bool)>> {
        let mut older = self.db.prepare_cached(
            "SELECT nights.id, name, started_ms, commit_hash, version, seed, bad FROM (
                 SELECT night, max(ifnull(verdict, 1) = 1) AS bad FROM runs WHERE cell = ?1 GROUP BY night
                 UNION ALL SELECT night, bad > 0 FROM sums WHERE cell = ?1)
             JOIN nights ON nights.id = night WHERE (started_ms, name) < (?2, ?3) ORDER BY started_ms DESC, name DESC",
        )?;
        let found = older.query_map(params![cell, before.started_ms.cast_signed(), before.name], |row| {
            Ok((read_night(row)?, row.get(6)?))
        })?;
        found.collect()
    }
}

fn read_night(row: &rusqlite::Row<'_>) -> rusqlite::Result<Night> {
    Ok(Night {
        name: row.get(1)?,
        started_ms: row.get::<_, i64>(2)?.cast_unsigned(),
        commit: row.get(3)?,
        version: row.get(4)?,
        seed: row.get::<_, i64>(5)?.cast_unsigned(),
    })
}

fn read_part(row: &rusqlite::Row<'_>) -> rusqlite::Result<Part> {
    Ok(Part {
        part: row.get(0)?,
        parts: row.get(1)?,
        machine: row.get(2)?,
        started_ms: row.get::<_, i64>(3)?.cast_unsigned(),
        ended_ms: row.get::<_, Option<i64>>(4)?.map(i64::cast_unsigned),
        interrupted: row.get(5)?,
        planned: row.get::<_, i64>(6)?.cast_unsigned(),
    })
}

fn read_row(row: &rusqlite::Row<'_>, texts: &BTreeMap<i64, Arc<str>>) -> rusqlite::Result<Row> {
    let number = |column: usize| Ok::<u64, rusqlite::Error>(row.get::<_, i64>(column)?.cast_unsigned());
    Ok(Row {
        seed: number(1)?,
        origin: decoded(row, 2, &ORIGINS)?.unwrap_or(Origin::Pinned),
        outcome: decoded(row, 3, &OUTCOMES)?,
        verdict: decoded(row, 4, &VERDICTS)?,
        virtual_ms: number(5)?,
        wall_ms: number(6)?,
        budget_ms: number(7)?,
        baseline_ms: row.get::<_, Option<i64>>(8)?.map(i64::cast_unsigned),
        found: texts.get(&row.get(9)?).cloned().unwrap_or_default(),
        touched: row.get(10)?,
        path: row.get::<_, Option<String>>(11)?.map(Into::into),
    })
}
