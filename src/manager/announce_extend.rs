//! Who is told that a disk has grown under its guest.

use tracing::warn;

use super::Run;
use super::error::CommandError;
use crate::db::{Attachment, Volume as Row};
use crate::report::{Action, Detail, Subject};

impl Run<'_> {
    /// Tells the instances that have the volume attached, through Nova. An attachment without an
    /// instance is a host's own, which looks for itself. The volume has grown whatever Nova says;
    /// its owner is told if the guests do not know.
    pub(super) async fn announce_extend(&self, row: &Row, attachments: &[Attachment]) {
        let instances: Vec<String> = attachments
            .iter()
            .filter_map(|attachment| attachment.instance_uuid.clone())
            .filter(|id| !id.is_empty())
            .collect();
        if instances.is_empty() {
            return;
        }
        let context = self.context;
        let global = context.global_request_id.as_deref();
        let request_id = global.unwrap_or(&context.request_id);
        let told = self
            .nova
            .volume_extended(&row.id, &instances, request_id)
            .await;
        if let Err(error) = told {
            let error = CommandError::from(error);
            warn!(
                volume.id = %row.id, instances = instances.join(","), error = %error.chain(),
                "instances are not told that their volume has grown"
            );
            let (action, detail) = (Action::ExtendVolume, Detail::NotifyComputeServiceFailed);
            self.message(Subject::Volume, &row.id, action, detail, &error)
                .await;
        }
    }
}
