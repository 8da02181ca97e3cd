//! Goes on with one command without its message, or ends it.

use std::time::Instant;

use serde_json::Value;
use tracing::{info, warn};

use super::{Candidate, Recovery, lost};
use crate::db::{DbError, Read, Volume as Row, Worker, now};
use crate::journal::Intent;
use crate::manager::delete_volume::How;
use crate::manager::error::CommandError;
use crate::manager::redelivery;
use crate::manager::refusal::Refusal;
use crate::manager::source::Source;
use crate::manager::{Origin, Run};
use crate::report::Beginning;
use crate::rpc::RequestContext;

/// What is known of a command beside its rows.
pub(super) struct Known<'a> {
    pub(super) method: &'static str,
    intent: Option<&'a Intent>,
    /// `volume/<id>` and the like, for whoever looks.
    resource: String,
    /// Stands for the `_unique_id` of the message where that is not known.
    origin: Origin,
}

impl Known<'_> {
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.detail(name)?.as_bool()
    }

    pub(super) fn detail(&self, name: &str) -> Option<&Value> {
        self.intent?.details.get(name)
    }

    /// The context of the request as far as the journal and the row still know it.
    pub(super) fn context(&self, row: Option<&Row>) -> RequestContext {
        self.context_of(
            row.and_then(|row| row.project_id.clone()),
            row.and_then(|row| row.user_id.clone()),
        )
    }

    /// The same for a resource of this owner.
    pub(super) fn context_of(
        &self,
        project_id: Option<String>,
        user_id: Option<String>,
    ) -> RequestContext {
        let request_id = self
            .intent
            .and_then(|intent| intent.details.get("request_id")?.as_str())
            .map_or_else(RequestContext::new_request_id, str::to_owned);
        let mut context = RequestContext::for_service(request_id, now());
        context.project_id = project_id;
        context.user_id = user_id;
        context
    }
}

impl Recovery {
    pub(super) async fn resolve(&self, candidate: Candidate) -> Result<(), CommandError> {
        match candidate {
            Candidate::Intent(intent) => self.intent(&intent).await,
            Candidate::Worker(worker) => self.worker(&worker).await,
            Candidate::Volume(row) if row.status == "extending" => self.lost_extend(&row.id).await,
            Candidate::Volume(row) => self.end(&row.id, lost::volume(&row.id, &row.status)).await,
            Candidate::Migration(row) => self.end(&row.id, Some(lost::migration(&row.id))).await,
            Candidate::Snapshot(row)
                if ["deleting", "unmanaging"].contains(&row.status.as_str()) =>
            {
                self.delete_snapshot(&row.id, None).await
            }
            Candidate::Snapshot(row) => {
                self.end(&row.id, lost::snapshot(&row.id, &row.status))
                    .await
            }
            Candidate::Group(row) => self.end(&row.id, lost::group(&row.id, &row.status)).await,
            Candidate::GroupSnapshot(row) => {
                self.end(&row.id, lost::group_snapshot(&row.id, &row.status))
                    .await
            }
        }
    }

    async fn intent(&self, intent: &Intent) -> Result<(), CommandError> {
        let id = intent
            .resource
            .as_deref()
            .and_then(|key| key.split_once('/'));
        match (intent.method.as_str(), id) {
            ("create_volume", Some(("volume", id))) => self.create(id, Some(intent)).await?,
            ("delete_volume", Some(("volume", id))) => self.delete(id, Some(intent)).await?,
            ("create_snapshot", Some(("snapshot", id))) => self.snapshot(id, Some(intent)).await?,
            ("delete_snapshot", Some(("snapshot", id))) => {
                self.delete_snapshot(id, Some(intent)).await?;
            }
            ("extend_volume" | "extend_volume_completion", Some(("volume", id))) => {
                self.extend(id, intent).await?;
            }
            ("attachment_update" | "initialize_connection", Some(("volume", id))) => {
                self.undo_attach(id, intent).await?;
            }
            ("get_backup_device", Some(("backup", id))) => self.backup_device(id, intent).await?,
            ("copy_volume_to_image", Some(("volume", id))) => self.upload(id, intent).await?,
            // Of the others their rows tell.
            (_, Some(("volume", id))) => {
                let status = self.volume(id).await?.and_then(|row| row.status);
                // `creating` and `deleting` have worker rows, and are other commands.
                if let Some(status) =
                    status.filter(|status| lost::VOLUMES.contains(&status.as_str()))
                {
                    self.end(id, lost::volume(id, &status)).await?;
                }
            }
            (_, Some(("snapshot", id))) => match self.manager.db.snapshot(id, Read::Live).await {
                Ok(row) => {
                    let status = row.status.unwrap_or_default();
                    self.end(id, lost::snapshot(id, &status)).await?;
                }
                Err(DbError::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            },
            _ => {}
        }
        if !self
            .manager
            .write_finish(&intent.host, &intent.unique_id)
            .await
        {
            return Err(CommandError::Stopping);
        }
        info!(
            method = intent.method,
            resource = intent.resource,
            "a command of an earlier process is closed"
        );
        Ok(())
    }

    async fn worker(&self, worker: &Worker) -> Result<(), CommandError> {
        let id = &worker.resource_id;
        let status = match worker.resource_type.as_str() {
            "Snapshot" => match self.manager.db.snapshot(id, Read::Live).await {
                Ok(row) => row.status,
                Err(DbError::NotFound { .. }) => None,
                Err(error) => return Err(error.into()),
            },
            _ => match self.volume(id).await? {
                Some(row)
                    if row
                        .host
                        .as_deref()
                        .is_some_and(|h| !self.manager.is_ours(h)) =>
                {
                    None
                }
                row => row.and_then(|row| row.status),
            },
        };
        if status.as_deref() != Some(worker.status.as_str()) {
            info!(resource.id = %id, worker.status, "its row has ended, or is another host's: the worker row goes");
            self.manager.db.finish_worker(worker).await?;
            return Ok(());
        }
        match (worker.resource_type.as_str(), worker.status.as_str()) {
            ("Volume", "creating") => self.create(id, None).await,
            ("Volume", "deleting") => self.delete(id, None).await,
            ("Volume", status) => self.end(id, lost::volume(id, status)).await,
            // A row that was to be filled otherwise has no worker row.
            ("Snapshot", "creating") => self.snapshot(id, None).await,
            (_, status) => self.end(id, lost::snapshot(id, status)).await,
        }
    }

    /// Makes the volume if it is known what it is to hold; ends it visibly if not. A row without
    /// a source may be one that an image was to fill: only the intent of its message can tell.
    async fn create(&self, id: &str, intent: Option<&Intent>) -> Result<(), CommandError> {
        let manager = &self.manager;
        // In the order in which the command takes them.
        let source = self.volume(id).await?.as_ref().and_then(Source::of_row);
        let _source = match source.as_ref().and_then(Source::lock_name) {
            Some(name) => Some(manager.lock(&name).await?),
            None => None,
        };
        let lock = manager.lock(id).await?;
        let known = self.known("create_volume", id, intent);
        let Some(row) = self.volume(id).await? else {
            let context = known.context(None);
            let planned = intent.map(|intent| intent.planned.as_slice());
            let run = self.run_of(&known, &context);
            let source = known.detail("source").and_then(Value::as_str);
            if known.detail("image").is_some() {
                run.give_up_local_of(id).await?;
            }
            return run
                .remove_orphans(planned.unwrap_or_default(), source)
                .await;
        };
        let ours = row.host.as_deref().map(|host| manager.is_ours(host));
        if ours == Some(false) || !redelivery::of(known.method).wants(row.status.as_deref()) {
            return Ok(());
        }
        let context = known.context(Some(&row));
        let run = self.run_of(&known, &context);
        let backup = || Some(Source::Backup(known.detail("backup")?.as_str()?.to_owned()));
        let source = Source::of_row(&row).or_else(backup);
        // Without a host it was being given back to the scheduler, and only the message held what
        // the scheduler needs.
        let possible = ours.is_some() && (source.is_some() || known.flag("blank") == Some(true));
        if !possible {
            if known.detail("image").is_some() {
                run.give_up_local(&row).await?;
            }
            drop(lock);
            return self.end(id, lost::volume(id, "creating")).await;
        }
        match run.create_on(&row, source.as_ref(), None).await {
            Ok(_) => info!(volume.id = id, "made without its message, as its row asks"),
            Err(CommandError::Stopping) => return Err(CommandError::Stopping),
            Err(error) => {
                warn!(volume.id = id, error = %error.chain(), "not made: its row says so")
            }
        }
        Ok(())
    }

    async fn delete(&self, id: &str, intent: Option<&Intent>) -> Result<(), CommandError> {
        let manager = &self.manager;
        let known = self.known("delete_volume", id, intent);
        let _guard = manager.lock(&format!("{id}-delete_volume")).await?;
        let _volume = manager.lock(id).await?;
        let Some(row) = self.volume(id).await? else {
            return Ok(());
        };
        let wanted = ["deleting", "unmanaging", "error_managing_deleting"];
        if !row
            .status
            .as_deref()
            .is_some_and(|status| wanted.contains(&status))
        {
            return Ok(());
        }
        // The API lets a volume with snapshots go only if they go with it.
        let unmanage_only = known
            .flag("unmanage_only")
            .unwrap_or(row.status.as_deref() == Some("unmanaging"));
        let how = How {
            unmanage_only,
            cascade: known.flag("cascade").unwrap_or(!unmanage_only),
        };
        let context = known.context(Some(&row));
        let run = self.run_of(&known, &context);
        let worker = run.claim(&row).await?;
        match run.delete(how, &row, worker.as_ref()).await {
            Ok(_) => info!(
                volume.id = id,
                "deleted without its message, as its row asks"
            ),
            Err(CommandError::Stopping) => return Err(CommandError::Stopping),
            Err(error) => {
                warn!(volume.id = id, error = %error.chain(), "not deleted");
                // What was refused before anything changed must not stay `deleting` for ever.
                if let Some(refusal) = lost::volume(id, row.status.as_deref().unwrap_or_default()) {
                    run.end_visibly(&refusal, &error).await?;
                }
            }
        }
        Ok(())
    }

    /// Ends rows whose command cannot be gone on with.
    pub(super) async fn end(&self, id: &str, refusal: Option<Refusal>) -> Result<(), CommandError> {
        let Some(refusal) = refusal else {
            return Ok(());
        };
        let row = self.volume(id).await?;
        // What is lost a second time is told a second time.
        let changed = row.as_ref().and_then(|row| row.updated_at);
        let changed = changed.map(|time| time.to_string()).unwrap_or_default();
        let known = self.known("", &format!("{id}/{changed}"), None);
        let context = match (&row, self.snapshot_row(id).await?) {
            (None, Some(snapshot)) => known.context_of(snapshot.project_id, snapshot.user_id),
            (row, _) => known.context(row.as_ref()),
        };
        let _lock = self.manager.lock(id).await?;
        warn!(
            resource.id = id,
            what = refusal.what,
            "its message was lost: ended visibly"
        );
        let run = self.run_of(&known, &context);
        run.end_visibly(&refusal, &CommandError::Lost).await
    }

    pub(super) fn known<'a>(
        &self,
        method: &'static str,
        id: &str,
        intent: Option<&'a Intent>,
    ) -> Known<'a> {
        let unique_id = match intent {
            Some(intent) => intent.unique_id.clone(),
            None => format!("recovery/{}/{method}/{id}", self.manager.options.host),
        };
        let id = id.split('/').next().unwrap_or(id);
        let named = intent.and_then(|intent| intent.resource.clone());
        let resource = named.unwrap_or_else(|| match method {
            // What is ended may be of any kind.
            "" => id.to_owned(),
            "create_snapshot" | "delete_snapshot" => format!("snapshot/{id}"),
            _ => format!("volume/{id}"),
        });
        Known {
            method,
            intent,
            resource,
            origin: Origin {
                unique_id,
                patience: None,
            },
        }
    }

    pub(super) fn run_of<'a>(
        &'a self,
        known: &'a Known<'_>,
        context: &'a RequestContext,
    ) -> Run<'a> {
        let manager = &self.manager;
        let starts = known.intent.map_or(1, |intent| intent.starts);
        let method = match known.method {
            "" => "end_lost_command",
            method => method,
        };
        let operation = manager.report.operations.begin(Beginning {
            host: &manager.options.host,
            method,
            resource: Some(known.resource.clone()),
            request_id: &context.request_id,
        });
        operation.resumed(starts);
        operation.step("goes on without its message");
        Run {
            manager,
            context,
            origin: &known.origin,
            rule: redelivery::of(known.method),
            starts,
            began: Instant::now(),
            operation,
        }
    }

    pub(super) async fn volume(&self, id: &str) -> Result<Option<Row>, CommandError> {
        match self.manager.db.volume(id, Read::Live).await {
            Ok(row) => Ok(Some(row)),
            Err(DbError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
