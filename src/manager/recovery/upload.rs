//! Ends an upload whose host was killed, and whose message was lost: whoever asked for it is not
//! known any more, and Glance is asked with the token of the request alone.

use super::{Recovery, lost};
use crate::journal::Intent;
use crate::manager::error::CommandError;

impl Recovery {
    /// Takes the volume away from this host, and its row out of `uploading`.
    pub(super) async fn upload(&self, id: &str, intent: &Intent) -> Result<(), CommandError> {
        let Some(row) = self.volume(id).await? else {
            return Ok(());
        };
        let known = self.known("copy_volume_to_image", id, Some(intent));
        let context = known.context(Some(&row));
        self.run_of(&known, &context).give_up_local(&row).await?;
        if row.status.as_deref() == Some("uploading") {
            self.end(id, lost::volume(id, "uploading")).await?;
        }
        Ok(())
    }
}
