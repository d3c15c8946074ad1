//! The tables, how older ones become newer ones, and reading everything back.

use std::path::Path;
use std::sync::Arc;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, TransactionBehavior};

use super::database_error;
use crate::document::{Document, Key, Revision};
use crate::error::OpenError;
use crate::snapshot::Snapshot;

/// `PRAGMA application_id` of our databases ("EvnK"), so that another program's file is refused
/// rather than written into.
const APPLICATION_ID: i32 = 0x4576_6e4b;

/// Entry `n` leads from schema version `n` to `n + 1`; `PRAGMA user_version` holds the version.
/// Entries are never edited once released.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE document (
        kind     TEXT    NOT NULL,
        id       TEXT    NOT NULL,
        revision INTEGER NOT NULL,
        body     BLOB    NOT NULL,
        PRIMARY KEY (kind, id)
    ) STRICT;
    CREATE TABLE store (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 0),
        revision INTEGER NOT NULL
    ) STRICT;
    INSERT INTO store (only_row, revision) VALUES (0, 0);
",
    "
    CREATE TABLE entry (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        stream   TEXT    NOT NULL,
        at_ms    INTEGER NOT NULL,
        body     BLOB    NOT NULL
    ) STRICT;
    CREATE INDEX entry_of_stream ON entry (stream, sequence, at_ms);
    CREATE TABLE stream (
        name    TEXT    PRIMARY KEY,
        entries INTEGER NOT NULL,
        bytes   INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
",
];

/// Sets the connection up, checks that the database is whole and ours, and migrates it.
pub(super) fn prepare(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let database = |source| database_error(path, source);
    configure(connection).map_err(database)?;
    let found: u32 = pragma(connection, "user_version").map_err(database)?;
    let application: i32 = pragma(connection, "application_id").map_err(database)?;
    let objects: u32 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(database)?;
    if application != APPLICATION_ID && (application != 0 || objects > 0) {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    let known = version(MIGRATIONS.len());
    if found > known {
        return Err(OpenError::NewerSchema { path: path.to_owned(), found, known });
    }
    let report: String = pragma(connection, "quick_check(1)").map_err(database)?;
    if report != "ok" {
        return Err(OpenError::Damaged { path: path.to_owned(), report });
    }
    migrate(connection, found).map_err(database)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    // macOS flushes the drive's own cache only when asked; elsewhere the setting does nothing.
    connection.pragma_update(None, "fullfsync", true)
}

fn migrate(connection: &Connection, from: u32) -> rusqlite::Result<()> {
    for (step, sql) in MIGRATIONS.iter().enumerate().skip(from as usize) {
        let transaction =
            rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", version(step + 1))?;
        transaction.commit()?;
    }
    Ok(())
}

fn version(count: usize) -> u32 {
    u32::try_from(count).expect("migrations are counted on fingers")
}

fn pragma<T: FromSql>(connection: &Connection, name: &str) -> rusqlite::Result<T> {
    connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
}

/// Reads every document.
pub(super) fn load(connection: &Connection) -> rusqlite::Result<Snapshot> {
    let revision = connection.query_row("SELECT revision FROM store", [], |row| row.get(0))?;
    let mut select = connection.prepare("SELECT kind, id, revision, body FROM document")?;
    let documents = select.query_map([], |row| {
        let key = Key { kind: row.get(0)?, id: row.get(1)? };
        let body: Vec<u8> = row.get(3)?;
        Ok(Document { key, revision: row.get(2)?, body: Arc::from(body) })
    })?;
    let documents = documents.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(Snapshot::load(revision, documents))
}

// SQLite's integers are signed; a revision past the signed range is as unreachable as one past the
// unsigned.
impl ToSql for Revision {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let number = i64::try_from(self.0);
        number
            .map(Into::into)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
    }
}

impl FromSql for Revision {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = value.as_i64()?;
        u64::try_from(number).map(Self).map_err(|_| FromSqlError::OutOfRange(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_migrated_once() {
        let connection = Connection::open_in_memory().unwrap();
        let path = Path::new(":memory:");
        for _ in 0..2 {
            prepare(&connection, path).unwrap();
            let found: u32 = pragma(&connection, "user_version").unwrap();
            assert_eq!(found, version(MIGRATIONS.len()));
        }
    }

    #[test]
    fn a_newer_schema_is_refused_by_name() {
        let connection = Connection::open_in_memory().unwrap();
        let path = Path::new("x/documents.db");
        prepare(&connection, path).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        let error = prepare(&connection, path).unwrap_err();
        assert!(matches!(error, OpenError::NewerSchema { found: 99, .. }), "{error}");
        assert!(error.to_string().contains("schema version 99"), "{error}");
    }

    #[test]
    fn another_programs_database_is_refused() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE theirs (x)").unwrap();
        let error = prepare(&connection, Path::new("theirs.db")).unwrap_err();
        assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
    }
}
