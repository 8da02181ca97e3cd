//! Finds what may have lost its message.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::{Candidate, Recovery, lost};
use crate::db::{Db, DbError, WorkerOf, now};
use crate::journal::Intent;
use crate::manager::error::CommandError;

/// Rows of nobody that are looked at in one round, the oldest: there may be as many as messages
/// in the queue.
const MOST_UNCLAIMED: u64 = 1000;

/// What is only ended after a long grace time is not looked for at every heartbeat.
const ROWS_EVERY: Duration = Duration::from_secs(60);

impl Recovery {
    /// All that stands in an in-progress state; one candidate a resource, that which knows most.
    pub(super) async fn scan(&mut self) -> Result<Vec<Candidate>, CommandError> {
        let due = ROWS_EVERY.min(self.manager.service.lost_command_grace);
        if self.rows.as_ref().is_none_or(|(at, _)| at.elapsed() >= due) {
            self.rows = Some((Instant::now(), self.rows().await?));
        }
        let manager = &self.manager;
        let mut found = Vec::new();
        let intents = manager.journal.intents(&manager.options.host).await?;
        let earlier = |intent: &Intent| intent.last_started < self.since_wall;
        found.extend(
            intents
                .into_iter()
                .filter(earlier)
                .map(|intent| Candidate::Intent(Box::new(intent))),
        );
        found.extend(self.workers().await?);
        let rows = self.rows.iter().flat_map(|(_, rows)| rows);
        found.extend(rows.cloned());
        let mut seen = HashSet::new();
        found.retain(|candidate| seen.insert(candidate.key()));
        Ok(found)
    }

    /// Worker rows of our resources: ours from before the start, and nobody's.
    async fn workers(&self) -> Result<Vec<Candidate>, CommandError> {
        let manager = &self.manager;
        let db = &manager.db;
        let service_id = manager.row.borrow().id;
        let beat = manager.service.report_interval;
        let mut rows = db.workers_of_service(Some(service_id), self.since).await?;
        let host = manager.options.host.as_str();
        rows.extend(
            db.unclaimed_workers(host, now() - beat, MOST_UNCLAIMED)
                .await?,
        );
        Ok(rows.into_iter().map(Candidate::Worker).collect())
    }

    /// In-progress states without a worker row, untouched for the grace time.
    async fn rows(&self) -> Result<Vec<Candidate>, CommandError> {
        let manager = &self.manager;
        let (db, host) = (&manager.db, manager.options.host.as_str());
        let until = now() - manager.service.lost_command_grace;
        let mut found = Vec::new();
        for row in db.stale_volumes(host, lost::VOLUMES, until).await? {
            if !has_worker(db, &WorkerOf::Volume(row.id.clone())).await? {
                found.push(Candidate::Volume(row));
            }
        }
        for row in db.stale_snapshots(host, lost::SNAPSHOTS, until).await? {
            if !has_worker(db, &WorkerOf::Snapshot(row.id.clone())).await? {
                found.push(Candidate::Snapshot(row));
            }
        }
        let migrations = db.stale_migrations(host, lost::MIGRATIONS, until).await?;
        found.extend(migrations.into_iter().map(Candidate::Migration));
        let groups = db.stale_groups(host, lost::GROUPS, until).await?;
        found.extend(groups.into_iter().map(Candidate::Group));
        let snapshots = db
            .stale_group_snapshots(host, lost::GROUP_SNAPSHOTS, until)
            .await?;
        found.extend(snapshots.into_iter().map(Candidate::GroupSnapshot));
        Ok(found)
    }
}

async fn has_worker(db: &Db, of: &WorkerOf) -> Result<bool, DbError> {
    Ok(db.worker(of).await?.is_some())
}
