//! `create_volume`: blank, from a snapshot, or as a clone. Images and backups end visibly until
//! their commands exist.

use serde_json::Value;
use tracing::{info, warn};

use super::Run;
use super::create_from::{Made, new_volume};
use super::error::CommandError;
use super::rows::array_name;
use super::source::Source;
use crate::backend::BackendError;
use crate::config::Protocol;
use crate::db::{DbError, Volume as Row, VolumeChanges, Worker, now};
use crate::kill::{self, Point};
use crate::report::{Action, Detail, Subject};
use crate::rpc::commands::CreateVolume;
use crate::rpc::object::RequestSpec;
use crate::rpc::{request, scheduler, time};

/// What the row says about a create that arrives, maybe not for the first time.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    /// Run, or continue.
    Yes,
    /// It has ended, or is somebody else's: the reason.
    No(&'static str),
    /// It went back to the scheduler; the cast may not have left.
    GivenBack,
}

impl Run<'_> {
    pub(super) async fn create_volume(&self, args: CreateVolume) -> Result<Value, CommandError> {
        let id = args.volume.id().to_owned();
        let source = Source::of(&args);
        // The source must not be deleted meanwhile; the volume itself must not run twice.
        let mut source_lock = match source.as_ref().and_then(Source::lock_name) {
            Some(name) => Some(self.lock(&name).await?),
            None => None,
        };
        let _volume = self.lock(&id).await?;
        let Some(row) = self.live_volume(&id).await? else {
            if self.starts > 1 {
                let names = [args.volume.name_id().to_owned()];
                if matches!(source, Some(Source::Image(_))) {
                    self.give_up_local_of(&id).await?;
                }
                self.remove_orphans(&names, source.as_ref().and_then(Source::copied))
                    .await?;
            }
            return Err(CommandError::VolumeNotFound { id });
        };
        match self.wanted(&row) {
            Wanted::Yes => {}
            Wanted::No(reason) => {
                info!(volume.id = %id, reason, "create_volume has nothing to do");
                return Ok(Value::Null);
            }
            Wanted::GivenBack => {
                self.give_back(&args, &CommandError::Rescheduled).await?;
                return Ok(Value::Null);
            }
        }
        let elsewhere = may_reschedule(&args).then_some(&args);
        let outcome = self.create_on(&row, source.as_ref(), elsewhere).await;
        let gone = match (&outcome, &source) {
            (Err(CommandError::SnapshotNotFound { id }), Some(Source::Snapshot(source)))
            | (Err(CommandError::VolumeNotFound { id }), Some(Source::Volume(source))) => {
                id == source
            }
            _ => false,
        };
        // Nobody will lock the name of what is gone any more.
        if let (true, Some(lock)) = (gone, &mut source_lock) {
            lock.remove_on_drop();
        }
        outcome
    }

    /// Makes the volume of a row that wants it; its lock is held. `elsewhere` is what the
    /// scheduler needs to try another host.
    pub(super) async fn create_on(
        &self,
        row: &Row,
        source: Option<&Source>,
        elsewhere: Option<&CreateVolume>,
    ) -> Result<Value, CommandError> {
        let mut worker = self.claim(row).await?;
        self.volume_event(row, "create.start").await;
        match self.make(row, source, &mut worker).await {
            Ok(made) => self.created(row, made, worker.as_ref()).await,
            Err(CommandError::Stopping) => Err(CommandError::Stopping),
            Err(error) => {
                // cinder-volume tells of blank volumes alone, and images tell for themselves; what we
                // cannot do is told always.
                let told = matches!(source, Some(Source::Image(_)));
                let unsupported = matches!(error, CommandError::Unsupported { .. });
                if source.is_none() || unsupported && !told {
                    let (action, detail) =
                        (Action::CreateVolumeFromBackend, Detail::DriverFailedCreate);
                    self.message(Subject::Volume, &row.id, action, detail, &error)
                        .await;
                    kill::pass(Point::MessageWritten);
                }
                self.create_failed(elsewhere, row, worker.as_ref(), error)
                    .await
            }
        }
    }

    /// The row went while a create was cut off: nothing of it may stay on the array.
    /// `source` is the id of the snapshot or volume that it was to be a copy of: its array name is
    /// part of the name that a copy has first.
    pub(super) async fn remove_orphans(
        &self,
        names: &[String],
        source: Option<&str>,
    ) -> Result<(), CommandError> {
        for name in names {
            // After a migration the name may have become another volume's.
            let owner = self.db(|| self.db.volume_by_array_name(name)).await?;
            if owner.is_some() {
                continue;
            }
            match source {
                Some(source) => {
                    let source = self.array_name_of(source).await?;
                    self.array(|| self.backend.delete_snapshot(name, &source))
                        .await?;
                }
                None => self.array(|| self.backend.delete_volume(name)).await?,
            }
            info!(
                volume.name = name,
                "its row is gone: nothing of it is on the array"
            );
        }
        Ok(())
    }

    fn wanted(&self, row: &Row) -> Wanted {
        match row.host.as_deref() {
            None => Wanted::GivenBack,
            Some(host) if !self.is_ours(host) => Wanted::No("the volume is on another host now"),
            Some(_) if self.rule.wants(row.status.as_deref()) => Wanted::Yes,
            Some(_) => Wanted::No("the volume is not being created any more"),
        }
    }

    async fn make(
        &self,
        row: &Row,
        source: Option<&Source>,
        worker: &mut Option<Worker>,
    ) -> Result<Made, CommandError> {
        match source {
            None => {
                self.check_ready()?;
                let volume = new_volume(row, None);
                let update = self.array(|| self.backend.create_volume(&volume)).await?;
                kill::pass(Point::CreateOnArray);
                Ok(Made {
                    update,
                    ..Made::default()
                })
            }
            Some(Source::Snapshot(id)) => self.make_from_snapshot(row, id).await,
            Some(Source::Volume(id)) => self.make_from_volume(row, id).await,
            Some(Source::Backup(id)) => {
                let update = self.make_for_backup(row, id).await?;
                Ok(Made {
                    update,
                    backup: Some(id.clone()),
                    ..Made::default()
                })
            }
            Some(Source::Image(id)) => self.make_from_image(row, id, worker).await,
        }
    }

    async fn created(
        &self,
        row: &Row,
        made: Made,
        worker: Option<&Worker>,
    ) -> Result<Value, CommandError> {
        let target = row.status.as_deref() == Some("migration_target_creating");
        let status = if target {
            "migration_target"
        } else {
            "available"
        };
        let service_uuid = self.row.borrow().uuid.clone();
        // One write: whoever sees `available` sees all of it.
        let mut changes = VolumeChanges::new()
            .shared_targets(Some(self.options.protocol == Protocol::Iscsi))
            .service_uuid(service_uuid.as_deref());
        if made.backup.is_none() {
            changes = changes.status(status).launched_at(Some(now()));
        }
        if made.bootable {
            changes = changes.bootable(true);
        }
        let update = &made.update;
        if let Some(location) = &update.provider_location {
            changes = changes.provider_location(Some(location));
        }
        if let Some(id) = &update.provider_id {
            changes = changes.provider_id(Some(id));
        }
        let ended = self.end_volume(&row.id, &changes, worker).await;
        if let Err(CommandError::Db(DbError::NotFound { .. })) = &ended {
            // Deleted behind our back: nobody would ever delete what was just made.
            let name = array_name(row);
            self.array(|| self.backend.delete_volume(name)).await?;
        }
        ended?;
        kill::pass(Point::CreateEnded);
        if let Some(backup) = &made.backup {
            self.hand_to_backup(row, backup).await?;
            kill::pass(Point::BackupTold);
        }
        let row = self.volume_row(&row.id).await?;
        self.volume_event(&row, "create.end").await;
        self.report.capabilities.publish_soon();
        Ok(Value::Null)
    }

    async fn create_failed(
        &self,
        elsewhere: Option<&CreateVolume>,
        row: &Row,
        worker: Option<&Worker>,
        error: CommandError,
    ) -> Result<Value, CommandError> {
        warn!(volume.id = %row.id, error = %error.chain(), "volume not created");
        let elsewhere = elsewhere.filter(|_| !error.forbids_reschedule());
        let Some(args) = elsewhere else {
            let changes = VolumeChanges::new().status("error");
            self.end_volume(&row.id, &changes, worker).await?;
            kill::pass(Point::CreateFailed);
            return Err(error);
        };
        // Nothing of ours may be left when another backend starts. What is there under this name
        // but differs is not ours.
        if !matches!(error, CommandError::Backend(BackendError::Conflict { .. }))
            && let Err(left) = self.tidy(row).await
        {
            // Tried once, as cinder-volume does: an array that is away must not hold it up.
            warn!(volume.id = %row.id, error = %left, "cannot tidy up before rescheduling");
        }
        kill::pass(Point::CreateTidied);
        self.db(|| self.db.unhost_volume(&row.id, "creating"))
            .await?;
        kill::pass(Point::CreateUnhosted);
        self.give_back(args, &error).await?;
        kill::pass(Point::CreateGivenBack);
        Err(error)
    }

    /// Removes what a failed create left on the array, if it can be reached at once.
    async fn tidy(&self, row: &Row) -> Result<(), CommandError> {
        let name = array_name(row);
        match self.copied_from(row).await? {
            Some(source) => self.backend.delete_snapshot(name, &source).await?,
            None => self.backend.delete_volume(name).await?,
        }
        Ok(())
    }

    /// Hands the create back to the scheduler, and returns when the broker has it.
    async fn give_back(
        &self,
        args: &CreateVolume,
        error: &CommandError,
    ) -> Result<(), CommandError> {
        let id = args.volume.id();
        let mut volume = args.volume.clone();
        let scheduled_at = time::object(now());
        let Some(mut spec) = args.request_spec.clone() else {
            return Err(CommandError::Invalid {
                reason: format!("volume {id} has no host, and no request to schedule it again"),
            });
        };
        let prepared = volume
            .set("host", Value::Null)
            .and_then(|()| volume.set("scheduled_at", scheduled_at))
            .and_then(|()| spec.set_volume_id(id));
        if let Err(failure) = prepared {
            return Err(CommandError::Invalid {
                reason: failure.message,
            });
        }
        let mut properties = args.filter_properties.clone().unwrap_or_default();
        scheduler::note_failure(&mut properties, vec![format!("{}\n", error.chain())]);
        // The same id for every repeat: oslo drops those that arrive twice.
        let unique_id = request::derived_id(&self.origin.unique_id, "reschedule");
        let request = scheduler::create_volume(
            self.context.clone(),
            &volume,
            &spec,
            &properties,
            &unique_id,
        );
        self.cast(&request).await?;
        info!(volume.id = %id, "create given back to the scheduler");
        Ok(())
    }
}

/// The scheduler must be allowed to try again, and have what it needs for it.
fn may_reschedule(args: &CreateVolume) -> bool {
    let spec = args.request_spec.as_ref();
    args.allow_reschedule
        && spec.is_some_and(|spec: &RequestSpec| !spec.is_empty())
        && args
            .filter_properties
            .as_ref()
            .is_some_and(scheduler::may_retry)
}
