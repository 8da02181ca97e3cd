//! Our row in `services`: versions at start, heartbeats afterwards.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tracing::{info, warn};

use super::release::{self, Choice};
use crate::config::{BackendOptions, ServiceOptions};
use crate::db::{Db, DbError, Heartbeat, Service, ServiceChanges, ServiceIdentity};

/// `binary` and `topic` of our row.
const BINARY: &str = "cinder-volume";

/// How long the database may take for one heartbeat.
const LONGEST_BEAT: Duration = Duration::from_secs(10);

/// Our service row, and what is written into it.
#[derive(Debug, Clone)]
pub struct ServiceRow {
    db: Db,
    identity: ServiceIdentity,
    row: watch::Sender<Service>,
}

impl ServiceRow {
    /// Finds or makes the row, and writes the versions of the release in use.
    ///
    /// # Errors
    ///
    /// The database refused, or is away.
    pub async fn register(
        db: &Db,
        service: &ServiceOptions,
        backend: &BackendOptions,
    ) -> Result<Self, DbError> {
        let Choice {
            rpc,
            object,
            reason,
        } = choose(db, service, backend).await?;
        info!(
            service.host = %backend.host, rpc_version = %rpc, object_version = %object, reason,
            "versions of the service row"
        );
        let identity = ServiceIdentity {
            host: backend.host.clone(),
            binary: BINARY.to_owned(),
            topic: BINARY.to_owned(),
            availability_zone: backend.availability_zone.clone(),
            cluster_name: None,
            rpc_version: rpc,
            object_version: object,
            disabled: !service.enable_new_services,
        };
        let registration = db.register_service(&identity).await?;
        if registration.created {
            info!(service.host = %identity.host, service.id = registration.service.id, "service row made");
        }
        Ok(Self {
            db: db.clone(),
            identity,
            row: watch::Sender::new(registration.service),
        })
    }

    /// The row as last seen; it changes when somebody removes it and a new one is made.
    pub fn row(&self) -> watch::Receiver<Service> {
        self.row.subscribe()
    }

    /// Volume RPC API version in the row, e.g. `3.20`.
    pub fn rpc_version(&self) -> &str {
        &self.identity.rpc_version
    }

    /// Writes that this backend does not replicate: a new row says `not-capable` until its
    /// driver is ready.
    ///
    /// # Errors
    ///
    /// The database refused, or is away.
    pub async fn not_replicating(&self) -> Result<(), DbError> {
        let row = self.row.borrow().clone();
        let kept = ["disabled", "failed-over"];
        if row
            .replication_status
            .as_deref()
            .is_some_and(|s| kept.contains(&s))
        {
            return Ok(());
        }
        let changes = ServiceChanges::default().replication_status("disabled");
        self.db.update_service(row.id, &changes).await
    }

    /// Sends heartbeats for as long as the array has been reached. Nothing but the database can
    /// hold one up; one that is not answered within the interval is given up for the next.
    pub async fn run(&self, every: Duration, mut ready: watch::Receiver<bool>) {
        let mut tick = interval(every);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failing = false;
        // A beat that the line swallowed must not keep the next ones from a new line.
        let db = self.db.clone().with_deadline(every.min(LONGEST_BEAT));
        loop {
            // An error means that the backend's owner is gone: the process is stopping.
            if ready.wait_for(|ready| *ready).await.is_err() {
                return;
            }
            tick.tick().await;
            let id = self.row.borrow().id;
            match timeout(every * 2, db.heartbeat(id, &self.identity)).await {
                Ok(Ok(Heartbeat::Beat(count))) => {
                    self.row.send_modify(|row| row.report_count = count);
                    failing = false;
                }
                Ok(Ok(Heartbeat::Recreated(row))) => {
                    warn!(service.host = %self.identity.host, service.id = row.id, "service row was gone: made anew");
                    self.row.send_replace(*row);
                    failing = false;
                }
                Ok(Err(error)) => {
                    if !failing {
                        warn!(service.host = %self.identity.host, %error, "heartbeat failed");
                    }
                    failing = true;
                }
                Err(_) => {
                    warn!(service.host = %self.identity.host, "the database took too long for a heartbeat");
                    failing = true;
                }
            }
        }
    }
}

async fn choose(
    db: &Db,
    service: &ServiceOptions,
    backend: &BackendOptions,
) -> Result<Choice, DbError> {
    let own = db.find_service(&backend.host, BINARY).await?;
    let others = db.services(BINARY).await?;
    let versions = |row: &Service| {
        Some((
            row.rpc_current_version.clone()?,
            row.object_current_version.clone()?,
        ))
    };
    let other_versions: Vec<_> = others
        .iter()
        .filter(|row| own.as_ref().is_none_or(|own| own.id != row.id))
        .filter_map(versions)
        .collect();
    let revision = db.schema_revision().await?;
    Ok(release::choose(
        service.cinder_release,
        own.as_ref().and_then(versions),
        &other_versions,
        revision.as_deref(),
    ))
}
