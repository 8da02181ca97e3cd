//! What survives the process: the commands under way and those that ended lately.
//!
//! A command writes an intent before it first changes the array, and a finish record before it
//! replies. So a new process finds what a killed one had begun, even where the broker has
//! dropped the message, and counts how often a command was started without an end.
//!
//! It is one SQLite file on a local disk, mode 0600, which several processes of a machine may
//! open. Each opener has one thread that takes all calls waiting, commits them together
//! (WAL, synchronous FULL: one sync for many commands) and then answers them.

mod error;
mod file;
mod job;
mod store;
mod types;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

use rusqlite::Connection;
use tokio::sync::watch;

use self::file::File;
use self::job::{Job, Kind, job};
use self::writer::{Meter, Writer};

pub use self::error::JournalError;
pub use self::types::{Begun, Costs, Finish, Health, Intent, JournalOptions, NewIntent};

/// The durable memory of commands. Clones share one writer, which ends, after its queue, when
/// the last of them is dropped.
///
/// A call is queued when its future is first polled. A future that is dropped after that does
/// not take the call back: it may still be applied. A call that failed was not applied, as far
/// as this and other processes see; but where a sync of the disk failed and the machine crashes
/// next, it may turn out that it was. Calls are made to be repeated.
#[derive(Debug, Clone)]
pub struct Journal {
    jobs: mpsc::Sender<Job>,
    health: watch::Receiver<Health>,
    meter: Arc<Meter>,
    path: Arc<PathBuf>,
}

impl Journal {
    /// Opens the journal with the default options: see [`Journal::open_with`].
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        Self::open_with(path, &JournalOptions::default())
    }

    /// Opens the journal at `path`, checks it whole, and deletes finish records older than
    /// 24 hours. Missing folders are made, a missing file too, with mode 0600.
    ///
    /// Blocks for the time of that work, and up to `busy_timeout` for other processes. A file
    /// that is damaged, newer than this version or not a journal is refused and left as it is.
    pub fn open_with(path: &Path, options: &JournalOptions) -> Result<Self, JournalError> {
        let file = File::open(path, options)?;
        let (health, seen) = watch::channel(Health::Well);
        let meter = Arc::new(Meter::default());
        let mut writer = Writer {
            file,
            health,
            meter: Arc::clone(&meter),
            failing: None,
        };
        while writer.purge() {}
        let (jobs, queue) = mpsc::channel();
        std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || writer.run(&queue))
            .map_err(|e| JournalError::setup(path, e))?;
        Ok(Self {
            jobs,
            health: seen,
            meter,
            path: Arc::new(path.to_owned()),
        })
    }

    /// Writes down that a command is about to change the array; durable when it returns.
    ///
    /// If the command has a finish record, nothing is written and the record is returned. If it
    /// has an intent, its starts are counted up, names that it did not plan before are added and
    /// its details brought up to date; else the intent is made.
    pub async fn begin(&self, intent: &NewIntent) -> Result<Begun, JournalError> {
        let intent = intent.clone();
        self.call(Kind::Begin, move |conn| store::begin(conn, &intent))
            .await
    }

    /// Replaces the intent of a command by a finish record; durable when it returns.
    ///
    /// Method and resource are those of the intent. Without an intent it records nothing.
    pub async fn finish(&self, host: &str, unique_id: &str) -> Result<(), JournalError> {
        let (host, id) = (host.to_owned(), unique_id.to_owned());
        self.call(Kind::Change, move |conn| store::finish(conn, &host, &id))
            .await
    }

    /// Takes back one start of a command that an orderly stop has cut off; durable when it
    /// returns. The intent stays. Without an intent it does nothing.
    pub async fn hand_back(&self, host: &str, unique_id: &str) -> Result<(), JournalError> {
        let (host, id) = (host.to_owned(), unique_id.to_owned());
        self.call(Kind::Change, move |conn| store::hand_back(conn, &host, &id))
            .await
    }

    /// The open intents of a host, in the order of their first starts. Works while the journal
    /// cannot be written.
    pub async fn intents(&self, host: &str) -> Result<Vec<Intent>, JournalError> {
        let host = host.to_owned();
        self.call(Kind::Read, move |conn| store::intents(conn, &host))
            .await
    }

    /// Whether the journal can be written: starts as [`Health::Well`].
    ///
    /// It is [`Health::Failing`] before the call that found out returns. From then on the
    /// writer tries to write 64 KiB about once a second; when that, or a `begin`, succeeds, it
    /// is [`Health::Well`] again. The channel closes when the writer ends.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.clone()
    }

    /// What the journal has cost since this opener opened it.
    pub fn costs(&self) -> Costs {
        self.meter.costs()
    }

    async fn call<T: Send + 'static>(
        &self,
        kind: Kind,
        statements: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, JournalError> {
        let closed = || JournalError::Closed {
            path: self.path.to_path_buf(),
        };
        let (job, outcome) = job(kind, closed(), statements);
        self.jobs.send(job).map_err(|_| closed())?;
        outcome.await.map_err(|_| closed())?
    }
}
