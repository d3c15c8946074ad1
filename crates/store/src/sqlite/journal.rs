//! The journal's tables: appending and letting go within the writer's transaction, and the one
//! thread that reads.
//!
//! Reads have a connection of their own: in WAL mode they neither wait for the writer nor hold it
//! up.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, Transaction};
use tokio::sync::{mpsc, oneshot};

use crate::journal::{Append, Entry, Held, JournalQuery, Order, Retention, Retentions, Sequence};

/// A read on its way.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) query: JournalQuery,
    pub(super) answer: oneshot::Sender<rusqlite::Result<Vec<Entry>>>,
}

/// Opens a connection that only reads.
pub(super) fn reader(path: &Path, busy_timeout: Duration) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(busy_timeout)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok(connection)
}

/// Reads until the queue is closed and empty.
pub(super) fn run_reader(connection: &Connection, mut reads: mpsc::Receiver<Read>) {
    while let Some(Read { query, answer }) = reads.blocking_recv() {
        if !answer.is_closed() {
            // Whoever dropped the read does not want to know.
            let _ = answer.send(read(connection, &query));
        }
    }
}

fn read(connection: &Connection, query: &JournalQuery) -> rusqlite::Result<Vec<Entry>> {
    let mut select = connection.prepare_cached(match query.order {
        Order::NewestFirst => {
            "SELECT sequence, at_ms, body FROM entry
             WHERE stream = ?1 AND sequence < ?2 AND sequence > ?3 AND at_ms >= ?4 AND at_ms < ?5
             ORDER BY sequence DESC"
        }
        Order::OldestFirst => {
            "SELECT sequence, at_ms, body FROM entry
             WHERE stream = ?1 AND sequence < ?2 AND sequence > ?3 AND at_ms >= ?4 AND at_ms < ?5
             ORDER BY sequence"
        }
    })?;
    let before = query.before.map_or(i64::MAX, |before| signed(before.0));
    let after = query.after.map_or(0, |after| signed(after.0));
    let until = query.until_ms.map_or(i64::MAX, signed);
    let from = query.from_ms.map_or(0, signed);
    query.collect(select.query_map((&*query.stream, before, after, from, until), entry)?)
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let body: Vec<u8> = row.get(2)?;
    Ok(Entry {
        sequence: Sequence(unsigned(row.get(0)?)),
        at_ms: unsigned(row.get(1)?),
        body: Arc::from(body),
    })
}

/// Appends entries and lets go of those that their streams keep no longer.
pub(super) fn persist(
    transaction: &Transaction<'_>,
    appends: &[Append],
    retentions: &Retentions,
) -> rusqlite::Result<()> {
    let mut insert = transaction
        .prepare_cached("INSERT INTO entry (stream, at_ms, body) VALUES (?1, ?2, ?3)")?;
    for append in appends {
        let Append { stream, at_ms, body } = append;
        insert.execute((&**stream, signed(*at_ms), &**body))?;
        let mut held = held(transaction, stream)?;
        held.gains(body.len() as u64);
        let held = prune(transaction, stream, held, retentions.of(stream), *at_ms)?;
        keep(transaction, stream, held)?;
    }
    Ok(())
}

/// Lets go of a stream's oldest entries as far as its retention says, and returns what is left.
fn prune(
    transaction: &Transaction<'_>,
    stream: &str,
    mut held: Held,
    retention: Retention,
    now_ms: u64,
) -> rusqlite::Result<Held> {
    let mut oldest = transaction.prepare_cached(
        "SELECT sequence, at_ms, length(body) FROM entry WHERE stream = ?1 ORDER BY sequence",
    )?;
    let mut last: Option<i64> = None;
    let mut rows = oldest.query([stream])?;
    while let Some(row) = rows.next()?
        && retention.drops(held, unsigned(row.get(1)?), now_ms)
    {
        held.loses(unsigned(row.get(2)?));
        last = Some(row.get(0)?);
    }
    drop(rows);
    if let Some(last) = last {
        let mut delete =
            transaction.prepare_cached("DELETE FROM entry WHERE stream = ?1 AND sequence <= ?2")?;
        delete.execute((stream, last))?;
    }
    Ok(held)
}

fn held(transaction: &Transaction<'_>, stream: &str) -> rusqlite::Result<Held> {
    let mut select =
        transaction.prepare_cached("SELECT entries, bytes FROM stream WHERE name = ?1")?;
    let held = select.query_row([stream], |row| {
        Ok(Held { entries: unsigned(row.get(0)?), bytes: unsigned(row.get(1)?) })
    });
    Ok(held.optional()?.unwrap_or_default())
}

fn keep(transaction: &Transaction<'_>, stream: &str, held: Held) -> rusqlite::Result<()> {
    let mut upsert = transaction.prepare_cached(
        "INSERT INTO stream (name, entries, bytes) VALUES (?1, ?2, ?3)
         ON CONFLICT (name) DO UPDATE SET entries = excluded.entries, bytes = excluded.bytes",
    )?;
    upsert.execute((stream, signed(held.entries), signed(held.bytes)))?;
    Ok(())
}

/// SQLite's integers are signed; what lies past them, the year 292 million, is as good as their end.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Every number in these tables is written by [`signed`].
fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
