//! Attachments of one volume to one host share one mapping: the first makes it, the last takes it
//! away, whatever the order in which their commands run.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, PoisonError};

use futures::FutureExt;
use serde_json::Value;
use tracing::warn;
use uuid::Uuid;

use super::Run;
use super::connector;
use super::error::CommandError;
use super::locks::LockGuard;
use super::rows::array_name;
use crate::backend::Connector;
use crate::db::{Attachment, Read, Volume};
use crate::rpc::Command;

/// Attachments whose end has been answered: their rows go only after that, by the API's hand, and
/// must not count for the next one.
#[derive(Debug, Default)]
pub struct Departed {
    of_volumes: Mutex<HashMap<String, HashSet<String>>>,
}

impl Departed {
    fn note(&self, attachment: &Attachment) {
        let mut all = self
            .of_volumes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.entry(attachment.volume_id.clone())
            .or_default()
            .insert(attachment.id.clone());
    }

    fn returned(&self, attachment: &Attachment) {
        let mut all = self
            .of_volumes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(of_volume) = all.get_mut(&attachment.volume_id) {
            of_volume.remove(&attachment.id);
        }
    }

    /// Those of `rows` (all attachments of a volume) that are still there to stay. What has no row
    /// any more is forgotten.
    fn staying(&self, volume_id: &str, rows: Vec<Attachment>) -> Vec<Attachment> {
        let mut all = self
            .of_volumes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(departed) = all.get_mut(volume_id) else {
            return rows;
        };
        departed.retain(|id| rows.iter().any(|row| row.id == *id));
        let staying = rows.into_iter().filter(|row| !departed.contains(&row.id));
        let staying = staying.collect();
        if departed.is_empty() {
            all.remove(volume_id);
        }
        staying
    }
}

/// Whether something stands for a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Held {
    /// Nothing.
    No,
    /// An attachment that does not tell its host.
    Maybe,
    /// An attachment on this very host, or a copy.
    Yes,
}

/// What a command may have mapped without a row that says so.
pub(super) struct BegunMapping {
    volume_id: String,
    host: Connector,
}

impl BegunMapping {
    /// `None` for commands whose mapping a row, or the caller, stands for.
    pub(super) fn of(command: &Command) -> Option<Self> {
        let Command::AttachmentUpdate(args) = command else {
            return None;
        };
        Some(Self {
            volume_id: args.vref.id().to_owned(),
            host: connector::of(&args.connector),
        })
    }
}

impl Run<'_> {
    /// Puts the commands that map a volume to one host, or take it away, in a row.
    pub(super) async fn lock_mapping(
        &self,
        volume_id: &str,
        host: Option<&str>,
    ) -> Result<LockGuard, CommandError> {
        // A host's name may hold what a file's must not.
        let host = Uuid::new_v5(&Uuid::NAMESPACE_DNS, host.unwrap_or_default().as_bytes());
        let mut guard = self
            .lock(&format!("xtremio-mapping-{volume_id}-{host}"))
            .await?;
        guard.remove_on_drop();
        Ok(guard)
    }

    /// The attachments of a volume to a host, less those that are on their way out.
    pub(super) async fn attachments_to(
        &self,
        volume_id: &str,
        host: Option<&str>,
    ) -> Result<Vec<Attachment>, CommandError> {
        let rows = self.db(|| self.db.attachments_of_volume(volume_id)).await?;
        let mut rows = self.departed.staying(volume_id, rows);
        rows.retain(|row| host.is_some() && host_of(row).as_deref() == host);
        Ok(rows)
    }

    /// Whether a row, or a copy under way here, stands for the mapping of a volume to a host, or
    /// may do so.
    pub(super) async fn is_held(
        &self,
        volume_id: &str,
        host: Option<&str>,
    ) -> Result<bool, CommandError> {
        Ok(self.held(volume_id, host).await? != Held::No)
    }

    /// As [`Self::is_held`]. An attachment of the old flow does not tell its host: it may be any.
    pub(super) async fn held(
        &self,
        volume_id: &str,
        host: Option<&str>,
    ) -> Result<Held, CommandError> {
        let rows = self.db(|| self.db.attachments_of_volume(volume_id)).await?;
        let rows = self.departed.staying(volume_id, rows);
        if self.local.hold(volume_id, host) {
            return Ok(Held::Yes);
        }
        let by_row = rows.iter().map(|row| {
            let told = row.attached_host.as_deref().filter(|name| !name.is_empty());
            match (host_of(row), told) {
                (Some(known), _) if Some(known.as_str()) == host => Held::Yes,
                (Some(_), _) => Held::No,
                _ if row.attach_status.as_deref() != Some("attached") => Held::No,
                (None, Some(_)) if told == host => Held::Yes,
                (None, Some(_)) => Held::No,
                (None, None) => Held::Maybe,
            }
        });
        Ok(by_row.max().unwrap_or(Held::No))
    }

    /// After a failure, with the lock of the mapping held: one that no attachment stands for
    /// would stay for ever. Tried once; the failure itself is what the caller is told.
    pub(super) async fn undo_mapping(&self, volume: &Volume, host: &Connector) {
        match self.is_held(&volume.id, host.host.as_deref()).await {
            Ok(false) => {}
            Ok(true) => return,
            Err(error) => {
                warn!(volume.id = %volume.id, error = %error.chain(), "a mapping may be left on the array");
                return;
            }
        }
        let name = array_name(volume);
        if let Err(error) = self.backend.terminate_connection(name, Some(host)).await {
            warn!(volume.id = %volume.id, %error, "a mapping may be left on the array");
        }
    }

    /// The same for a command that is ended from outside.
    pub(super) async fn give_up_mapping(&self, begun: &BegunMapping) {
        let gone = async {
            let read = || self.db.volume(&begun.volume_id, Read::WithDeleted);
            let volume = self.db(read).await?;
            let key = begun.host.host.as_deref();
            let _mapping = self.lock_mapping(&volume.id, key).await?;
            self.undo_mapping(&volume, &begun.host).await;
            Ok::<_, CommandError>(())
        };
        match AssertUnwindSafe(gone).catch_unwind().await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                warn!(volume.id = %begun.volume_id, error = %error.chain(), "a mapping may be left on the array");
            }
            Err(_) => {
                warn!(volume.id = %begun.volume_id, "a mapping may be left on the array: its removal panicked");
            }
        }
    }

    pub(super) fn note_departed(&self, attachment: &Attachment) {
        self.departed.note(attachment);
    }

    pub(super) fn note_returned(&self, attachment: &Attachment) {
        self.departed.returned(attachment);
    }
}

/// The `host` of the connector that an attachment holds.
fn host_of(row: &Attachment) -> Option<String> {
    let connector: Value = serde_json::from_str(row.connector.as_ref()?.expose()).ok()?;
    Some(connector.get("host")?.as_str()?.to_owned())
}
