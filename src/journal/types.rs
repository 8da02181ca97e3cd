//! What the journal holds and says.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

/// A command that is about to change the array for the first time.
#[derive(Debug, Clone, PartialEq)]
pub struct NewIntent {
    /// `host@backend` that runs the command; with `unique_id` the key of the intent.
    pub host: String,
    /// `_unique_id` of the command's message.
    pub unique_id: String,
    /// RPC method, such as `create_volume`.
    pub method: String,
    /// What it works on: `volume/<id>`, `snapshot/<id>`.
    pub resource: Option<String>,
    /// Names of the array objects that the command may make.
    pub planned: Vec<String>,
    /// What else is needed to continue: connector, kind of source. Never a secret.
    pub details: Map<String, Value>,
}

/// What the journal knew when a command began.
#[derive(Debug, Clone, PartialEq)]
pub enum Begun {
    /// The command is to run.
    Started {
        /// How often it was started without an end, this time included: 1 for a new command.
        starts: u32,
    },
    /// The command has ended before; nothing was written.
    Finished(Finish),
}

/// A command that was started and has not ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Intent {
    /// `host@backend` that runs the command.
    pub host: String,
    /// `_unique_id` of the command's message.
    pub unique_id: String,
    /// RPC method, as the first start gave it.
    pub method: String,
    /// What it works on, as the first start gave it.
    pub resource: Option<String>,
    /// Names of the array objects that any of the starts may have made, in the order given.
    pub planned: Vec<String>,
    /// Details of all starts; where they disagree, those of the last.
    pub details: Map<String, Value>,
    /// Starts without an end; those that were handed back do not count.
    pub starts: u32,
    /// Time of the first start, in microseconds.
    pub first_started: SystemTime,
    /// Time of the last start, in microseconds.
    pub last_started: SystemTime,
}

/// The record of a command that has ended; never its reply, which may hold secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finish {
    /// `_unique_id` of the command's message.
    pub unique_id: String,
    /// RPC method.
    pub method: String,
    /// What it worked on.
    pub resource: Option<String>,
    /// When it ended, in microseconds.
    pub at: SystemTime,
}

/// Whether the journal can be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// The last write succeeded, or none was tried yet.
    Well,
    /// It cannot; the reason names the file.
    Failing(String),
}

/// What the journal has cost since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Costs {
    /// Transactions committed, each one sync of the disk; probes and purges included.
    pub commits: u64,
    /// Calls of `begin`, `finish` and `hand_back` that these transactions carried.
    pub operations: u64,
    /// Time the writer spent between BEGIN and the end of COMMIT, waits for other processes
    /// and failed tries included.
    pub busy: Duration,
}

/// How a journal is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalOptions {
    /// How long a write waits for another process's transaction.
    pub busy_timeout: Duration,
    /// Limit of the file's size in pages of 4 KiB; beyond it the journal counts as full.
    pub max_pages: Option<u32>,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self {
            busy_timeout: Duration::from_secs(5),
            max_pages: None,
        }
    }
}
