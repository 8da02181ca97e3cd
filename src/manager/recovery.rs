//! Goes on with, or ends visibly, what no message asks for any more: commands that died with
//! their message, messages that a broker lost, rows that another cinder-volume left behind.
//!
//! A row is touched only when its message is certainly gone: everything that was sent before it
//! was first seen here has been read, and two heartbeats have passed in which no message named
//! it (decision 0008).

mod backup;
mod lost;
mod resolve;
mod resume;
mod scan;
mod undo;
mod upload;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use chrono::NaiveDateTime;
use futures::FutureExt;
use futures::stream::{self, StreamExt};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, info, warn};

use super::Manager;
use super::error::CommandError;
use crate::db::{InProgress, Worker, now};
use crate::journal::Intent;

/// After a lost line: as long as oslo's clients may take to come back with what they could not
/// send meanwhile (`rabbit_interval_max` is 30 s), and some.
const RECONNECTION: Duration = Duration::from_secs(45);
/// Two heartbeats, but no less than this: between a row and its message there may be a pause.
const QUIET: Duration = Duration::from_secs(10);
/// A create that never started ends in `error`: a broker that holds its senders up for a while
/// must not do that to it.
const NEVER_STARTED: Duration = Duration::from_secs(60);
/// How many rows are gone on with at once.
const AT_ONCE: usize = 16;

/// Looks after rows without a message, for one backend.
pub struct Recovery {
    manager: Arc<Manager>,
    reading: Reading,
    /// Our worker rows and intents older than this are not this process's.
    since: NaiveDateTime,
    since_wall: SystemTime,
    /// First seen at, by resource.
    waiting: HashMap<String, Instant>,
    /// Rows without a worker row that were in progress at the last look for them, and its time.
    rows: Option<(Instant, Vec<Candidate>)>,
    /// Intents of earlier processes that were open at the last look.
    left_open: watch::Sender<Option<usize>>,
    /// Since when messages were taken at the last look.
    consuming: Option<Instant>,
    /// Whether the line to the broker was lost since the start.
    broken: bool,
}

/// What is known of the queues.
#[derive(Debug, Clone)]
pub struct Reading {
    /// What was published before this moment has been read.
    pub up_to: watch::Receiver<Option<Instant>>,
    /// Since when messages are taken without a break; `None` while they are not.
    pub since: watch::Receiver<Option<Instant>>,
}

/// Something that stands in an in-progress state.
#[derive(Debug, Clone)]
enum Candidate {
    /// A command of an earlier process that the journal holds.
    Intent(Box<Intent>),
    /// A worker row, ours from an earlier process or nobody's.
    Worker(Worker),
    /// `volumes.status`, without a worker row.
    Volume(InProgress),
    /// `volumes.migration_status`
    Migration(InProgress),
    /// `snapshots.status`, without a worker row.
    Snapshot(InProgress),
    /// `groups.status`
    Group(InProgress),
    /// `group_snapshots.status`
    GroupSnapshot(InProgress),
}

impl Candidate {
    /// What a message about it would name.
    fn key(&self) -> String {
        let of = |kind: &str, id: &str| format!("{kind}/{id}");
        match self {
            Self::Intent(intent) => match &intent.resource {
                Some(resource) => resource.clone(),
                None => of("message", &intent.unique_id),
            },
            Self::Worker(worker) if worker.resource_type == "Snapshot" => {
                of("snapshot", &worker.resource_id)
            }
            Self::Worker(worker) => of("volume", &worker.resource_id),
            Self::Volume(row) | Self::Migration(row) => of("volume", &row.id),
            Self::Snapshot(row) => of("snapshot", &row.id),
            Self::Group(row) => of("group", &row.id),
            Self::GroupSnapshot(row) => of("group_snapshot", &row.id),
        }
    }
}

impl Recovery {
    /// For rows of the manager's host that were left before now.
    pub fn new(manager: Arc<Manager>, reading: Reading) -> Self {
        Self {
            manager,
            reading,
            rows: None,
            left_open: watch::channel(None).0,
            consuming: None,
            broken: false,
            since: now(),
            since_wall: SystemTime::now(),
            waiting: HashMap::new(),
        }
    }

    /// How many commands of earlier processes are open; `None` before the first look.
    pub fn left_open(&self) -> watch::Receiver<Option<usize>> {
        self.left_open.subscribe()
    }

    /// Looks at every heartbeat, for as long as it is polled.
    pub async fn run(mut self) {
        let mut ready = self.manager.ready.clone();
        if ready.wait_for(|ready| *ready).await.is_err() {
            return;
        }
        let mut tick = interval(self.manager.service.report_interval);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if let Err(error) = self.look().await {
                warn!(error = %error.chain(), "cannot look for commands without a message; trying again");
            }
        }
    }

    async fn look(&mut self) -> Result<(), CommandError> {
        let candidates = self.scan().await?;
        let begun = |candidate: &&Candidate| matches!(candidate, Candidate::Intent(_));
        let open = candidates.iter().filter(begun).count();
        self.left_open.send_replace(Some(open));
        let ripe = self.ripe(candidates);
        let this = &*self;
        stream::iter(ripe)
            .for_each_concurrent(AT_ONCE, |candidate| async move {
                let key = candidate.key();
                match AssertUnwindSafe(this.resolve(candidate))
                    .catch_unwind()
                    .await
                {
                    Ok(Ok(()) | Err(CommandError::Stopping)) => {}
                    Ok(Err(error)) => warn!(
                        resource = key, error = %error.chain(),
                        "a command without a message could not be ended; trying again"
                    ),
                    Err(_) => error!(
                        resource = key,
                        "recovery panicked; this is a defect, please report it"
                    ),
                }
            })
            .await;
        Ok(())
    }

    /// Those whose message is certainly gone. The others go on waiting.
    fn ripe(&mut self, candidates: Vec<Candidate>) -> Vec<Candidate> {
        let now = Instant::now();
        let consuming = *self.reading.since.borrow_and_update();
        self.broken |= self.consuming.is_some() && self.consuming != consuming;
        self.consuming = consuming;
        let Some(consuming) = consuming else {
            return Vec::new();
        };
        let up_to = *self.reading.up_to.borrow();
        let beat = self.manager.service.report_interval;
        let quiet = QUIET.max(beat * 2);
        let grace = if self.broken {
            RECONNECTION.max(quiet)
        } else {
            quiet
        };
        let grace_of_lost = self.manager.service.lost_command_grace;
        let never_started = quiet.max(NEVER_STARTED.min(grace_of_lost));
        let mut waiting = HashMap::new();
        let mut ripe = Vec::new();
        for candidate in candidates {
            let key = candidate.key();
            let mut since = *self.waiting.get(&key).unwrap_or(&now);
            if self.manager.mentions.named_since(&key, since) {
                since = now;
            }
            waiting.insert(key.clone(), since);
            let settled = now.duration_since(consuming) >= grace;
            let quiet = match &candidate {
                Candidate::Worker(worker) if worker.status == "creating" => never_started,
                _ => quiet,
            };
            if settled && is_gone(since, up_to, quiet, now) {
                info!(
                    resource = key,
                    "no message asks for it any more: gone on with from its row"
                );
                ripe.push(candidate);
            }
        }
        self.waiting = waiting;
        ripe
    }
}

/// Whether a message about what was first seen at `since` cannot come any more.
fn is_gone(since: Instant, read_up_to: Option<Instant>, quiet: Duration, now: Instant) -> bool {
    let sent_by = since + quiet / 2;
    now.duration_since(since) >= quiet && read_up_to.is_some_and(|read| read >= sent_by)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_gone_when_all_sent_before_was_read_and_two_heartbeats_passed() {
        let quiet = Duration::from_secs(20);
        let since = Instant::now();
        let at = |seconds| since + Duration::from_secs(seconds);
        assert!(
            !is_gone(since, None, quiet, at(100)),
            "nothing was read yet"
        );
        assert!(
            !is_gone(since, Some(at(9)), quiet, at(100)),
            "it may be queued"
        );
        assert!(
            !is_gone(since, Some(at(15)), quiet, at(19)),
            "it may be on its way"
        );
        assert!(is_gone(since, Some(at(15)), quiet, at(20)));
    }
}
