//! What commands on a volume have in common: its row, its worker row, messages, quota.

use tracing::warn;
use uuid::Uuid;

use super::error::CommandError;
use super::locks::LockGuard;
use super::{Manager, Run};
use crate::db::{
    Claim, DbError, Delta, Ending, QuotaDefaults, QuotaRequest, Read, ResourceKind, UserMessage,
    Volume, VolumeChanges, Worker, WorkerOf,
};
use crate::kill::{self, Point};
use crate::report::{Action, Detail, Subject};
use crate::rpc::request;

/// How often a lost claim of a worker row is looked at again before its command runs anyway.
const CLAIM_TRIES: u32 = 5;

impl Manager {
    /// Whether `host@backend#pool` is this backend.
    pub(super) fn is_ours(&self, host: &str) -> bool {
        host.split('#').next() == Some(self.options.host.as_str())
    }

    /// Waits for a lock, which another process may hold for long; the stop ends the wait.
    pub(super) async fn lock(&self, name: &str) -> Result<LockGuard, CommandError> {
        tokio::select! {
            guard = self.locks.lock(name) => Ok(guard),
            () = self.stop.cancelled() => Err(CommandError::Stopping),
        }
    }
}

impl Run<'_> {
    /// As [`Manager::lock`], and whoever looks sees what is waited for.
    pub(super) async fn lock(&self, name: &str) -> Result<LockGuard, CommandError> {
        let _waiting = self.operation.within(format!("waits for lock {name}"));
        self.manager.lock(name).await
    }

    /// The array must have been reached once since the start.
    pub(super) fn check_ready(&self) -> Result<(), CommandError> {
        if *self.ready.borrow() {
            Ok(())
        } else {
            Err(CommandError::NotReady)
        }
    }

    /// The live row of a volume.
    pub(super) async fn volume_row(&self, id: &str) -> Result<Volume, CommandError> {
        self.live_volume(id)
            .await?
            .ok_or_else(|| CommandError::VolumeNotFound { id: id.to_owned() })
    }

    /// The live row of a volume, `None` if it is gone.
    pub(super) async fn live_volume(&self, id: &str) -> Result<Option<Volume>, CommandError> {
        match self.db(|| self.db.volume(id, Read::Live)).await {
            Ok(row) => Ok(Some(row)),
            Err(CommandError::Db(DbError::NotFound { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes the worker row of a volume whose status is cleanable; `None` for other states. A
    /// lost race means that somebody else wrote the row just now: it is looked at again.
    pub(super) async fn claim(&self, row: &Volume) -> Result<Option<Worker>, CommandError> {
        let status = row.status.as_deref().unwrap_or_default();
        if !["creating", "deleting", "uploading", "downloading"].contains(&status) {
            return Ok(None);
        }
        self.claim_of(&WorkerOf::Volume(row.id.clone()), status)
            .await
    }

    /// Takes the worker row of a resource in a cleanable status.
    pub(super) async fn claim_of(
        &self,
        of: &WorkerOf,
        status: &str,
    ) -> Result<Option<Worker>, CommandError> {
        let service_id = self.row.borrow().id;
        for _ in 0..CLAIM_TRIES {
            match self
                .db(|| self.db.claim_worker(of, service_id, status))
                .await?
            {
                Claim::Ours(worker) => {
                    kill::pass(Point::WorkerClaimed);
                    return Ok(Some(worker));
                }
                Claim::Lost => {}
            }
        }
        warn!(resource = ?of, "the workers row changes all the time: going on without it");
        Ok(None)
    }

    /// The last change of a volume's row, and the end of its worker row with it.
    pub(super) async fn end_volume(
        &self,
        id: &str,
        changes: &VolumeChanges,
        worker: Option<&Worker>,
    ) -> Result<(), CommandError> {
        let ending = Ending {
            worker,
            ..Ending::default()
        };
        self.db(|| self.db.end_volume(id, changes, ending)).await
    }

    /// Tells the owner of a resource what failed. Never fails: the command's own end counts.
    pub(super) async fn message(
        &self,
        subject: Subject,
        id: &str,
        action: Action,
        detail: Detail,
        error: &CommandError,
    ) {
        let Some(project_id) = self.context.project_id.clone() else {
            warn!(
                resource.id = id,
                "no project to tell: the request came from a service"
            );
            return;
        };
        // What is known of the failure wins over what was being done, as in cinder-volume.
        let detail = match error {
            CommandError::NotReady => Detail::DriverNotInitialized,
            _ => detail,
        };
        let message = UserMessage {
            project_id,
            request_id: Some(self.context.request_id.clone()),
            resource_type: subject.as_str().to_owned(),
            resource_uuid: Some(id.to_owned()),
            action_id: action.id().to_owned(),
            detail_id: detail.id().to_owned(),
            lifetime: self.service.message_ttl,
        };
        // The same id whenever this command runs: who runs it twice tells it once.
        let purpose = format!("message/{id}/{}/{}", action.id(), detail.id());
        let message_id = request::derived_uuid(&self.origin.unique_id, &purpose);
        if let Err(error) = self
            .db(|| self.db.create_message(message_id, &message))
            .await
        {
            warn!(resource.id = id, %error, "user message not written");
        }
    }

    /// Changes of a project's quota, also for a type, even if that was deleted meanwhile.
    async fn quota_request(
        &self,
        project_id: &str,
        changes: &[(ResourceKind, i32)],
        volume_type_id: Option<&str>,
    ) -> QuotaRequest {
        let volume_type = match volume_type_id {
            Some(id) => self
                .db(|| self.db.volume_type(id, Read::WithDeleted))
                .await
                .inspect_err(|error| warn!(error = %error.chain(), "volume type unknown"))
                .ok(),
            None => None,
        };
        let options = &self.service;
        let limit = |limit: i64| i32::try_from(limit).unwrap_or(i32::MAX);
        QuotaRequest {
            project_id: project_id.to_owned(),
            deltas: Delta::with_type(changes, volume_type.as_ref()),
            quota_class: self.context.quota_class.clone(),
            defaults: QuotaDefaults {
                volumes: limit(options.quota_volumes),
                gigabytes: limit(options.quota_gigabytes),
                snapshots: limit(options.quota_snapshots),
                no_snapshot_gb_quota: options.no_snapshot_gb_quota,
                ..QuotaDefaults::default()
            },
            expire: options.reservation_expire,
        }
    }

    /// Reserves what a deleted resource gives back to its project. The ids are made of the
    /// message's and the resource's name in the quota, so that a repeat finds them; a failure is
    /// logged, and the delete goes on without.
    pub(super) async fn reserve_changes(
        &self,
        project_id: &str,
        changes: &[(ResourceKind, i32)],
        volume_type_id: Option<&str>,
        id_of: impl Fn(&str) -> Uuid + Sync,
    ) -> Result<Vec<String>, CommandError> {
        let request = self
            .quota_request(project_id, changes, volume_type_id)
            .await;
        match self.db(|| self.db.reserve_with_ids(&request, &id_of)).await {
            Ok(reservations) => Ok(reservations.ids),
            Err(CommandError::Stopping) => Err(CommandError::Stopping),
            Err(error) => {
                warn!(project_id, error = %error.chain(), "quota is not given back");
                Ok(Vec::new())
            }
        }
    }

    /// Reserves the quota that a deleted volume gives back.
    pub(super) async fn reserve_give_back(
        &self,
        row: &Volume,
        id_of: impl Fn(&str) -> Uuid + Sync,
    ) -> Result<Vec<String>, CommandError> {
        if row.status.as_deref() == Some("error_managing_deleting") {
            return Ok(Vec::new());
        }
        if !self.db(|| self.db.volume_uses_quota(row)).await? {
            return Ok(Vec::new());
        }
        let changes = [
            (ResourceKind::Volumes, -1),
            (ResourceKind::Gigabytes, -row.size.unwrap_or(0)),
        ];
        let volume_type = row.volume_type_id.as_deref();
        self.reserve_changes(project_of(row), &changes, volume_type, id_of)
            .await
    }
}

/// Name of a volume on the array: the id, or what replaced it after a migration.
pub(super) fn array_name(row: &Volume) -> &str {
    row.name_id.as_deref().unwrap_or(&row.id)
}

/// Project whose quota the volume takes.
pub(super) fn project_of(row: &Volume) -> &str {
    row.project_id.as_deref().unwrap_or_default()
}
