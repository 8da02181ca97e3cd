//! Who is told that a disk has grown under its guest.

use tracing::warn;

use super::Run;
use super::error::CommandError;
use crate::db::{Attachment, Volume as Row};
use crate::report::{Action, Detail, Subject};

impl Run<'_> {
    /// Tells the instances that have the volume attached. An attachment without an instance is a
    /// host's own, which looks for itself.
    pub(super) async fn announce_extend(&self, row: &Row, attachments: &[Attachment]) {
        let instances: Vec<&str> = attachments
            .iter()
            .filter_map(|attachment| attachment.instance_uuid.as_deref())
            .filter(|id| !id.is_empty())
            .collect();
        if !instances.is_empty() {
            self.notify_instances(row, &instances).await;
        }
    }

    /// This version has no way to Nova: the owner is told that the guests do not know, as when
    /// Nova refuses its `volume-extended` event.
    async fn notify_instances(&self, row: &Row, instances: &[&str]) {
        warn!(
            volume.id = %row.id, instances = instances.join(","),
            "volume extended; its instances are not told and see the old size until they look again"
        );
        let error = CommandError::Unsupported {
            what: "tell Nova that a volume was extended".to_owned(),
        };
        let (action, detail) = (Action::ExtendVolume, Detail::NotifyComputeServiceFailed);
        self.message(Subject::Volume, &row.id, action, detail, &error)
            .await;
    }
}
