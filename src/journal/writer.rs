//! The one thread that has the file: takes everything queued, commits it once, then answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::watch;

use super::error::JournalError;
use super::file::File;
use super::job::{Job, Kind};
use super::store;
use super::types::{Costs, Health};

/// Most jobs in one transaction, so that other processes get their turn.
const BATCH: usize = 1024;
/// Time between tries to write while writing fails.
const PROBE_EVERY: Duration = Duration::from_secs(1);
/// Time between looks for finish records that are too old.
const PURGE_EVERY: Duration = Duration::from_secs(60);

/// What the writer has spent, readable from outside.
#[derive(Debug, Default)]
pub(super) struct Meter {
    commits: AtomicU64,
    operations: AtomicU64,
    busy_nanos: AtomicU64,
}

impl Meter {
    pub(super) fn costs(&self) -> Costs {
        Costs {
            commits: self.commits.load(Ordering::Relaxed),
            operations: self.operations.load(Ordering::Relaxed),
            busy: Duration::from_nanos(self.busy_nanos.load(Ordering::Relaxed)),
        }
    }
}

/// State of the writer's thread.
pub(super) struct Writer {
    pub(super) file: File,
    pub(super) health: watch::Sender<Health>,
    pub(super) meter: Arc<Meter>,
    /// Since when writing fails, and when it is tried next.
    pub(super) failing: Option<(Instant, Instant)>,
}

impl Writer {
    /// Serves until every sender is gone and the queue is empty.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        let mut purge_at = Instant::now() + PURGE_EVERY;
        loop {
            let next = self.failing.map_or(purge_at, |(_, probe_at)| probe_at);
            match jobs.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok(first) => {
                    let mut batch = vec![first];
                    batch.extend(jobs.try_iter().take(BATCH - 1));
                    self.serve(batch);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let now = Instant::now();
            match self.failing {
                Some((_, probe_at)) if now >= probe_at => self.probe(),
                None if now >= purge_at => {
                    // as long as there is something, but never two transactions in a row
                    // without a look at the queue
                    let more = self.purge();
                    purge_at = if more { now } else { now + PURGE_EVERY };
                }
                _ => {}
            }
        }
    }

    fn serve(&mut self, batch: Vec<Job>) {
        let (mut writes, mut reads): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|job| job.kind() != Kind::Read);
        if !writes.is_empty() {
            self.write(&mut writes);
            for job in writes {
                job.answer();
            }
        }
        for job in &mut reads {
            job.run(&self.file);
        }
        for job in reads {
            job.answer();
        }
    }

    /// Applies the jobs and leaves their outcome in them; then says how writing fares, before
    /// anybody is answered.
    fn write(&mut self, jobs: &mut [Job]) {
        match self.commit(jobs) {
            // One that does not fit takes the whole transaction with it. Alone, each gets what
            // room there is: the end of a command needs less than its begin gave.
            Err(JournalError::Full { .. }) if jobs.len() > 1 => {
                for job in &mut *jobs {
                    if let Err(error) = self.commit(std::slice::from_mut(job)) {
                        job.fail(error);
                    }
                }
            }
            Err(error) => {
                for job in &mut *jobs {
                    job.fail(error.clone());
                }
            }
            Ok(()) => {}
        }
        // A finish may succeed on a full disk, in the room of its intent; a begin needs new room.
        let began = |job: &Job| job.kind() == Kind::Begin && job.failure().is_none();
        if let Some(error) = outage(jobs) {
            self.failed(&error);
        } else if jobs.iter().any(began) {
            self.succeeded();
        }
    }

    /// All jobs in one transaction. An error means that none was applied; a job that fails
    /// without hurting the others keeps its error.
    fn commit(&self, jobs: &mut [Job]) -> Result<(), JournalError> {
        let file = &self.file;
        let count = u64::try_from(jobs.len()).unwrap_or(u64::MAX);
        self.transaction(|conn| {
            for job in &mut *jobs {
                conn.execute_batch("SAVEPOINT job")?;
                job.run(file);
                // SQLite itself has undone everything, as it does when there is no room
                if conn.is_autocommit() {
                    return Err(undone());
                }
                if job.failure().is_some() {
                    conn.execute_batch("ROLLBACK TO job")?;
                }
                conn.execute_batch("RELEASE job")?;
            }
            Ok(())
        })
        .map_err(|error| outage(jobs).unwrap_or(error))?;
        self.meter.operations.fetch_add(count, Ordering::Relaxed);
        Ok(())
    }

    /// Runs `work` between BEGIN IMMEDIATE and COMMIT, and undoes it if either fails.
    fn transaction(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<()>,
    ) -> Result<(), JournalError> {
        self.file.check_there()?;
        let conn = &self.file.conn;
        let began = Instant::now();
        let done = conn
            .execute_batch("BEGIN IMMEDIATE")
            .and_then(|()| work(conn))
            .and_then(|()| conn.execute_batch("COMMIT"));
        if !conn.is_autocommit()
            && let Err(error) = conn.execute_batch("ROLLBACK")
        {
            let path = self.file.path.display();
            tracing::warn!(%path, %error, "the journal could not undo a failed write");
        }
        let nanos = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.meter.busy_nanos.fetch_add(nanos, Ordering::Relaxed);
        done.map_err(|e| self.file.error(e))?;
        self.meter.commits.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn probe(&mut self) {
        let probed = self.transaction(store::probe);
        // what stays behind is overwritten by the next probe
        let cleaned = probed.and_then(|()| self.transaction(store::unprobe));
        match cleaned {
            Ok(()) => self.succeeded(),
            Err(error) => self.failed(&error),
        }
    }

    /// Deletes one batch of old finish records; whether it is worth looking again at once.
    pub(super) fn purge(&mut self) -> bool {
        let purged = match store::has_old(&self.file.conn) {
            Ok(false) => return false,
            Ok(true) => self.transaction(store::purge),
            Err(error) => Err(self.file.error(error)),
        };
        if let Err(error) = &purged {
            self.failed(error);
        }
        purged.is_ok()
    }

    fn failed(&mut self, error: &JournalError) {
        let now = Instant::now();
        let since = self.failing.map_or(now, |(since, _)| since);
        if self.failing.is_none() {
            // the error names the file
            tracing::error!(%error, "the journal cannot be written; trying again every second");
        }
        self.failing = Some((since, now + PROBE_EVERY));
        let reason = Health::Failing(error.to_string());
        self.health.send_if_modified(|health| {
            let news = *health != reason;
            *health = reason;
            news
        });
    }

    fn succeeded(&mut self) {
        if let Some((since, _)) = self.failing.take() {
            let path = self.file.path.display();
            let seconds = since.elapsed().as_secs();
            tracing::info!(%path, seconds, "the journal can be written again");
            self.health.send_replace(Health::Well);
        }
    }
}

/// What keeps one of the jobs, and so probably all writes, from succeeding.
fn outage(jobs: &[Job]) -> Option<JournalError> {
    let mut failures = jobs.iter().filter_map(|job| job.failure());
    failures.find(|error| error.stops_writing()).cloned()
}

/// Stands for a transaction that SQLite has rolled back by itself.
fn undone() -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ABORT_ROLLBACK);
    rusqlite::Error::SqliteFailure(code, None)
}
