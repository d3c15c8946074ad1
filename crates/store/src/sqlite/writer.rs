//! The one thread that writes: it takes commits from the queue, several to an fsync, and publishes
//! what is on disk.

use std::sync::Arc;

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::directory::Directory;
use super::journal;
use crate::batch::{Batch, Write};
use crate::document::Revision;
use crate::error::CommitError;
use crate::journal::Retentions;
use crate::published::Published;
use crate::snapshot::Snapshot;

/// Commits that share one fsync at most. More would make the first of them wait for the last.
const GROUP_MAX: usize = 64;

/// A commit on its way to the disk.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) batch: Batch,
    pub(super) answer: oneshot::Sender<Result<Revision, CommitError>>,
}

type Outcome = Result<Revision, CommitError>;

/// Owns the connection, and the directory for as long as it is open.
#[derive(Debug)]
pub(super) struct Writer {
    connection: Connection,
    published: Arc<Published>,
    retentions: Retentions,
    /// Why nothing is written any more, once the storage failed.
    refusing: Option<Arc<str>>,
    // Declared last: fields drop in order, and the lock must outlive the connection.
    _directory: Directory,
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        published: Arc<Published>,
        retentions: Retentions,
        directory: Directory,
    ) -> Self {
        Self { connection, published, retentions, refusing: None, _directory: directory }
    }

    /// Writes until the queue is closed and empty.
    pub(super) fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut group = Vec::with_capacity(GROUP_MAX);
        while let Some(first) = jobs.blocking_recv() {
            group.push(first);
            while group.len() < GROUP_MAX
                && let Ok(job) = jobs.try_recv()
            {
                group.push(job);
            }
            self.write_group(&mut group);
        }
    }

    /// Writes a group in one transaction. When there is no room each is tried alone, so that a batch
    /// too large for the disk does not take small ones with it.
    fn write_group(&mut self, group: &mut Vec<Job>) {
        let batches: Vec<_> = group.iter().map(|job| &job.batch).collect();
        let outcomes = match self.write(&batches) {
            Ok(outcomes) => outcomes,
            Err(CommitError::Full(_)) if batches.len() > 1 => batches
                .iter()
                .map(|batch| self.write(&[batch]).and_then(|mut only| only.remove(0)))
                .collect(),
            Err(error) => vec![Err(error); batches.len()],
        };
        for (job, outcome) in group.drain(..).zip(outcomes) {
            // Whoever dropped the commit does not want to know.
            let _ = job.answer.send(outcome);
        }
    }

    /// Writes batches in order in one transaction, and publishes. One that conflicts is left out
    /// and has its own outcome; the error is the transaction's.
    fn write(&mut self, batches: &[&Batch]) -> Result<Vec<Outcome>, CommitError> {
        let mut next = Snapshot::clone(&self.published.snapshot());
        let before = next.revision();
        let outcomes: Vec<_> =
            batches.iter().map(|batch| next.check(batch).map(|()| next.apply(batch))).collect();
        let accepted = batches.iter().zip(&outcomes).filter_map(|(batch, outcome)| {
            outcome.as_ref().ok().map(|revision| (*batch, *revision))
        });
        let appended = accepted.clone().any(|(batch, _)| !batch.appends.is_empty());
        if next.revision() == before && !appended {
            return Ok(outcomes);
        }
        if let Some(cause) = &self.refusing {
            return Err(CommitError::Refused { cause: Arc::clone(cause) });
        }
        match persist(&mut self.connection, accepted, next.revision(), &self.retentions) {
            Ok(()) => {
                if next.revision() != before {
                    self.published.publish(next);
                }
                Ok(outcomes)
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Names a failure, and refuses further writes after one that leaves the disk's state unknown.
    fn failed(&mut self, error: rusqlite::Error) -> CommitError {
        let code = error.sqlite_error_code();
        let cause = Arc::new(error);
        match code {
            Some(ErrorCode::DiskFull) => {
                tracing::error!(error = %cause, "A write failed for lack of space.");
                CommitError::Full(cause)
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                tracing::warn!(error = %cause, "A write failed because the database is held.");
                CommitError::Busy(cause)
            }
            _ => {
                tracing::error!(error = %cause, "The storage failed; writes are refused.");
                self.refusing = Some(cause.to_string().into());
                CommitError::Failed(cause)
            }
        }
    }
}

/// Writes and commits. On an error the transaction is rolled back when it drops.
fn persist<'b>(
    connection: &mut Connection,
    batches: impl Iterator<Item = (&'b Batch, Revision)>,
    last: Revision,
    retentions: &Retentions,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (batch, revision) in batches {
        persist_changes(&transaction, batch, revision)?;
        journal::persist(&transaction, &batch.appends, retentions)?;
    }
    transaction.prepare_cached("UPDATE store SET revision = ?1")?.execute([last])?;
    transaction.commit()
}

fn persist_changes(
    transaction: &Transaction<'_>,
    batch: &Batch,
    revision: Revision,
) -> rusqlite::Result<()> {
    let mut put = transaction.prepare_cached(
        "INSERT INTO document (kind, id, revision, body) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (kind, id) DO UPDATE SET revision = excluded.revision, body = excluded.body",
    )?;
    let mut delete =
        transaction.prepare_cached("DELETE FROM document WHERE kind = ?1 AND id = ?2")?;
    for change in &batch.changes {
        let (kind, id) = (&*change.key.kind, &*change.key.id);
        match &change.write {
            Write::Put(body) => put.execute((kind, id, revision, &**body))?,
            Write::Delete => delete.execute((kind, id))?,
            Write::Keep => 0,
        };
    }
    Ok(())
}
