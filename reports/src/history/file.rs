//! The history's file: opened, made, refused.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

/// The file within the folder of a history.
pub const FILE_NAME: &str = "history.db";

/// The form of the file that this build reads and writes, kept in `SQLite`'s `user_version`.
pub(super) const SCHEMA: i32 = 1;
/// Marks the file as ours in `SQLite`'s `application_id`: `unst`.
const APPLICATION: i32 = 0x756e_7374;
/// How long one writer waits for another.
const PATIENCE: Duration = Duration::from_secs(60);

/// Written once, in one transaction.
const TABLES: &str = "
    CREATE TABLE cells (id INTEGER PRIMARY KEY, file TEXT NOT NULL, name TEXT NOT NULL, variant TEXT NOT NULL,
        client TEXT NOT NULL, world TEXT NOT NULL, UNIQUE (file, name, variant, client, world)) STRICT;
    CREATE TABLE nights (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, started_ms INTEGER NOT NULL,
        commit_hash TEXT, version TEXT NOT NULL, seed INTEGER NOT NULL) STRICT;
    CREATE TABLE parts (night INTEGER NOT NULL, part INTEGER NOT NULL, parts INTEGER NOT NULL, machine TEXT NOT NULL,
        started_ms INTEGER NOT NULL, ended_ms INTEGER, interrupted INTEGER NOT NULL, planned INTEGER NOT NULL,
        PRIMARY KEY (night, parts, part)) STRICT, WITHOUT ROWID;
    -- findings and errors, each once
    CREATE TABLE texts (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE runs (night INTEGER NOT NULL, cell INTEGER NOT NULL, seed INTEGER NOT NULL, origin INTEGER NOT NULL,
        outcome INTEGER, verdict INTEGER, virtual_ms INTEGER NOT NULL, wall_ms INTEGER NOT NULL,
        budget_ms INTEGER NOT NULL, baseline_ms INTEGER, found INTEGER NOT NULL, touched INTEGER NOT NULL, path TEXT,
        PRIMARY KEY (night, cell, seed)) STRICT, WITHOUT ROWID;
    -- what is left of nights whose runs are forgotten
    CREATE TABLE sums (night INTEGER NOT NULL, cell INTEGER NOT NULL, runs INTEGER NOT NULL, bad INTEGER NOT NULL,
        unknown INTEGER NOT NULL, mean_ms INTEGER NOT NULL, PRIMARY KEY (night, cell)) STRICT, WITHOUT ROWID;
    -- seeds that run every night, because one night they failed
    CREATE TABLE pins (cell INTEGER NOT NULL, seed INTEGER NOT NULL, night TEXT NOT NULL,
        PRIMARY KEY (cell, seed)) STRICT, WITHOUT ROWID;
";

/// Why a history cannot be used. Each names its file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// A newer build has written it.
    #[error(
        "`{}` has the form {found}, this build knows {SCHEMA}: use the build of unstuck that wrote it, or a newer one",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its form.
        found: i32,
    },
    /// An older build has written it, in a form that is no longer read.
    #[error(
        "`{}` has the form {found}, older than the {SCHEMA} of this build: move it away, and the next night begins anew",
        path.display()
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// Its form.
        found: i32,
    },
    /// A database, but of somebody else.
    #[error("`{}` is a database of something else: give a folder of its own to the history", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It is no database any more.
    #[error(
        "`{}` is damaged ({reason}): put back a copy, or move it away and the next night begins anew; \
         `sqlite3 {} .recover` may save the most of it",
        path.display(), path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What `SQLite` says.
        reason: String,
    },
    /// Another process holds it for longer than a minute.
    #[error("`{}` is held by another process for longer than {} s: let that one end", path.display(), PATIENCE.as_secs())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// A night that is asked for is not there.
    #[error("`{}` has no night `{night}`; the last one is {last}", path.display())]
    NoSuchNight {
        /// The file.
        path: PathBuf,
        /// The name.
        night: String,
        /// The newest night's name, quoted, or that there is none.
        last: String,
    },
    /// Anything else: no space, no permission, no folder.
    #[error("`{}`: {reason}", path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What `SQLite` or the file system says.
        reason: String,
    },
}

/// An open history. Several may be open on one file, in one process or in many: writers wait for each other.
#[derive(Debug)]
pub struct History {
    pub(super) db: Connection,
    pub(super) path: PathBuf,
}

impl History {
    /// The history of a folder, which is made if it is not there.
    pub fn create(folder: &Path) -> Result<Self, HistoryError> {
        let path = folder.join(FILE_NAME);
        std::fs::create_dir_all(folder)
            .map_err(|error| HistoryError::Other { path: folder.to_owned(), reason: error.to_string() })?;
        if !path.exists() {
            begin(&path)?;
        }
        Self::opened(path, OpenFlags::empty())
    }

    /// A history that is there.
    pub fn open(file: &Path) -> Result<Self, HistoryError> {
        if !file.is_file() {
            return Err(HistoryError::Other {
                path: file.to_owned(),
                reason: "there is no such file".into(),
            });
        }
        Self::opened(file.to_owned(), OpenFlags::empty())
    }

    /// A history that is nowhere but in memory, to merge others into.
    pub fn in_memory() -> Result<Self, HistoryError> {
        Self::opened(PathBuf::from(":memory:"), OpenFlags::SQLITE_OPEN_CREATE)
    }

    fn opened(path: PathBuf, create: OpenFlags) -> Result<Self, HistoryError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
        let db = Connection::open_with_flags(&path, flags).map_err(|error| told(&path, &error))?;
        let mut history = Self { db, path };
        history.prepare().map_err(|error| told(&history.path, &error))??;
        Ok(history)
    }

    /// Makes the tables in an empty file; refuses one that is not ours.
    fn prepare(&mut self) -> rusqlite::Result<Result<(), HistoryError>> {
        self.db.busy_timeout(PATIENCE)?;
        // a killed process loses nothing that was committed; with FULL neither does a machine without power
        self.db.pragma_update(None, "journal_mode", "WAL")?;
        self.db.pragma_update(None, "synchronous", "FULL")?;
        let path = self.path.clone();
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let number = |name: &str| transaction.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
        let empty: bool =
            transaction.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))?;
        let (application, found) = (number("application_id")?, number("user_version")?);
        if empty && application == 0 {
            transaction.execute_batch(TABLES)?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", SCHEMA)?;
        } else if application != APPLICATION {
            return Ok(Err(HistoryError::Foreign { path }));
        } else if found > SCHEMA {
            return Ok(Err(HistoryError::Newer { path, found }));
        } else if found < SCHEMA {
            return Ok(Err(HistoryError::Older { path, found }));
        }
        transaction.commit()?;
        Ok(Ok(()))
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn told<T>(&self, result: rusqlite::Result<T>) -> Result<T, HistoryError> {
        result.map_err(|error| told(&self.path, &error))
    }

    /// Does `work` in one transaction that waits for other writers first.
    pub(super) fn write<T>(
        &mut self,
        work: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, HistoryError> {
        let written = (|| {
            let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let output = work(&transaction)?;
            transaction.commit()?;
            Ok(output)
        })();
        self.told(written)
    }
}

/// Makes a new file beside its place and then puts it there, whole, if nobody else has. Two writers that would make it in its
/// place fall out over its journal, for which neither waits.
fn begin(path: &Path) -> Result<(), HistoryError> {
    let fails =
        |error: std::io::Error| HistoryError::Other { path: path.to_owned(), reason: error.to_string() };
    let beside = path.with_extension(format!("new-{}", std::process::id()));
    drop(History::opened(beside.clone(), OpenFlags::SQLITE_OPEN_CREATE)?);
    let placed = match std::fs::hard_link(&beside, path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(fails(error)),
        _ => Ok(()),
    };
    std::fs::remove_file(&beside).map_err(fails)?;
    placed
}

pub(super) fn told(path: &Path, error: &rusqlite::Error) -> HistoryError {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            HistoryError::Damaged { path, reason: error.to_string() }
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => HistoryError::Busy { path },
        // a value that cannot stand there was not written by us
        None => HistoryError::Damaged { path, reason: error.to_string() },
        Some(_) => HistoryError::Other { path, reason: error.to_string() },
    }
}
