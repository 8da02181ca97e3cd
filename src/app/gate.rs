//! May this process consume its host's queues, or does somebody else serve the host?
//!
//! A Python cinder-volume on the same host string takes messages off the same queues and
//! acknowledges them before it runs them: side by side with it nothing could be promised.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::watch;
use tracing::{info, warn};

use crate::bus::{Gate, Verdict};
use crate::db::Db;

/// What is known of the others since the first look.
#[derive(Debug, Clone, Copy)]
struct First {
    at: Instant,
    report_count: i32,
}

/// The gate of one backend.
pub(super) struct StrangerGate {
    /// `host@backend`
    pub(super) host: String,
    /// Read, never written.
    pub(super) db: Db,
    /// Set once the array was reached, or could not be reached for a while.
    pub(super) initialised: watch::Receiver<bool>,
    /// `wait_for_stranger`
    pub(super) wait: bool,
    /// How long consumers without heartbeats may stay: twice the broker's heartbeat, after
    /// which it drops dead connections.
    pub(super) ghosts_stay: Duration,
    first: Mutex<Option<First>>,
}

impl StrangerGate {
    /// A gate that has not looked yet.
    pub(super) fn new(
        host: &str,
        db: &Db,
        initialised: watch::Receiver<bool>,
        wait: bool,
        broker_heartbeat: Duration,
    ) -> Self {
        Self {
            host: host.to_owned(),
            db: db.clone(),
            initialised,
            wait,
            ghosts_stay: broker_heartbeat * 2,
            first: Mutex::new(None),
        }
    }

    async fn report_count(&self) -> Option<i32> {
        match self.db.find_service(&self.host, "cinder-volume").await {
            Ok(row) => row.map(|row| row.report_count),
            Err(error) => {
                warn!(%error, "cannot look for another host's heartbeats");
                None
            }
        }
    }
}

#[async_trait]
impl Gate for StrangerGate {
    async fn judge(&self, consumers: u32) -> Verdict {
        if !*self.initialised.borrow() {
            return Verdict::Wait;
        }
        if consumers == 0 {
            return Verdict::Consume;
        }
        let count = self.report_count().await.unwrap_or(0);
        let first = {
            let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
            *first.get_or_insert_with(|| {
                info!(
                    service.host = %self.host, consumers,
                    "somebody consumes our queues: watching for its end or its heartbeat"
                );
                First {
                    at: Instant::now(),
                    report_count: count,
                }
            })
        };
        verdict(self, consumers, first, count)
    }
}

/// A growing `report_count` proves a living host; consumers without one may be the ghosts of a
/// cut connection, which the broker drops after a while.
fn verdict(gate: &StrangerGate, consumers: u32, first: First, count: i32) -> Verdict {
    if gate.wait {
        return Verdict::Wait;
    }
    let host = &gate.host;
    if count > first.report_count {
        return Verdict::Refuse(format!(
            "another cinder-volume serves host {host}: its service row had {} heartbeats since we \
             started, and {consumers} consumers are on queue cinder-volume.{host}. Stop it first, \
             or set wait_for_stranger = true to wait for its end",
            count - first.report_count
        ));
    }
    if first.at.elapsed() > gate.ghosts_stay {
        return Verdict::Refuse(format!(
            "{consumers} other consumers are on queue cinder-volume.{host}, without heartbeats in the \
             database: another service uses this host name, maybe with another database. Stop it \
             first, or set wait_for_stranger = true to wait for its end"
        ));
    }
    Verdict::Wait
}
