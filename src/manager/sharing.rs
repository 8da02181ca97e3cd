//! Attachments of one volume to one host share one mapping: the first makes it, the last takes it
//! away, whatever the order in which their commands run.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use uuid::Uuid;

use super::Run;
use super::error::CommandError;
use super::locks::LockGuard;
use crate::db::Attachment;

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
