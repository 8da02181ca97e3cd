//! `copy_volume_to_image`: the volume's bytes into an image that the API has made.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::Run;
use super::error::CommandError;
use super::local::bytes;
use super::refusal::VolumeEnd;
use crate::db::Volume as Row;
use crate::image::{ImageFacts, Place, Progress};
use crate::kill::{self, Point};
use crate::openstack::Upload;
use crate::report::{Action, Detail, Direction, Subject};
use crate::rpc::commands::CopyVolumeToImage;

/// Extra spec that names the store of images made from volumes of a type.
const STORE: &str = "image_service:store_id";

/// How long Glance may take to notice that an upload of an earlier process was cut off.
const CUT_OFF: Duration = Duration::from_secs(60);

impl Run<'_> {
    pub(super) async fn copy_volume_to_image(
        &self,
        args: CopyVolumeToImage,
    ) -> Result<Value, CommandError> {
        let id = &args.volume_id;
        let _volume = self.lock(id).await?;
        let row = self.volume_row(id).await?;
        if !self.rule.wants(row.status.as_deref()) {
            info!(volume.id = %id, status = row.status, "copy_volume_to_image has nothing to do");
            return Ok(Value::Null);
        }
        let outcome = self.upload(&row, &args).await;
        match &outcome {
            Ok(()) => {}
            Err(CommandError::Stopping) => return Err(CommandError::Stopping),
            Err(error) => {
                warn!(volume.id = %id, error = %error.chain(), "volume not uploaded");
                let (action, detail) = (Action::CopyVolumeToImage, Detail::FailedToUploadVolume);
                self.message(Subject::Volume, id, action, detail, error)
                    .await;
                kill::pass(Point::MessageWritten);
                if let Some(image) = args.image_meta.text("id") {
                    self.remove_unfinished(image).await;
                }
                kill::pass(Point::ImageRemoved);
            }
        }
        self.end_volume_in(id, &["uploading"], VolumeEnd::ByAttachments)
            .await?;
        kill::pass(Point::UploadEnded);
        outcome.map(|()| Value::Null)
    }

    async fn upload(&self, row: &Row, args: &CopyVolumeToImage) -> Result<(), CommandError> {
        self.check_ready()?;
        let text = |key: &str| {
            args.image_meta
                .text(key)
                .ok_or_else(|| CommandError::InvalidInput {
                    reason: format!("image_meta has no {key}"),
                })
        };
        let (image_id, disk_format) = (text("id")?, text("disk_format")?);
        let container_format = args.image_meta.text("container_format").unwrap_or("bare");
        if row.encryption_key_id.is_some() {
            return Err(CommandError::Unsupported {
                what: format!("upload the encrypted volume {}", row.id),
            });
        }
        if self.starts > 1 {
            // Whatever comes now: an earlier start may have mapped it to this host.
            self.give_up_local(row).await?;
            if self.uploaded_before(image_id).await? {
                info!(volume.id = %row.id, image.id = image_id, "an earlier start has uploaded it");
                return Ok(());
            }
        }
        let (copier, progress) = (&self.images.copier, Progress::new());
        let _shown = self.shown(Direction::VolumeToImage, &progress);
        let facts = ImageFacts {
            id: image_id.to_owned(),
            disk_format: disk_format.to_owned(),
            container_format: container_format.to_owned(),
            ..ImageFacts::default()
        };
        let upload = self.upload_of(row, image_id).await?;
        let caller = self.caller();
        let (facts, upload, caller, progress) = (&facts, &upload, &caller, &progress);
        let send = |place: Place| async move {
            let reading = copier.read(&place, facts, bytes(row), progress).await?;
            kill::pass(Point::VolumeRead);
            let length = reading.length();
            let glance = &self.images.glance;
            glance.upload(caller, upload, reading, length).await?;
            kill::pass(Point::ImageUploaded);
            Ok(())
        };
        self.with_local(row, send).await?;
        let metrics = &self.report.metrics;
        metrics.copied(Direction::VolumeToImage, progress.now().done);
        info!(volume.id = %row.id, image.id = image_id, "volume uploaded");
        Ok(())
    }

    /// The store that the type names, and the image that the volume came from.
    async fn upload_of(&self, row: &Row, image_id: &str) -> Result<Upload, CommandError> {
        let store_id = match row.volume_type_id.as_deref() {
            Some(id) => {
                let mut specs = self.db(|| self.db.extra_specs(id)).await?;
                specs.remove(STORE).flatten()
            }
            None => None,
        };
        let mut metadata = self.db(|| self.db.glance_metadata(&row.id)).await?;
        Ok(Upload {
            image_id: image_id.to_owned(),
            store_id,
            base_image_ref: metadata.remove("image_id"),
        })
    }

    /// Whether the image that a process before this one was filling is whole. Glance takes bytes
    /// for it again once it has noticed that they stopped coming.
    async fn uploaded_before(&self, image_id: &str) -> Result<bool, CommandError> {
        let deadline = Instant::now() + CUT_OFF;
        loop {
            let image = self.images.glance.show(&self.caller(), image_id).await?;
            match image.status.as_str() {
                "active" => return Ok(true),
                "saving" | "importing" if Instant::now() < deadline => {
                    let again = sleep(Duration::from_secs(1));
                    tokio::select! {
                        () = again => {}
                        () = self.stop.cancelled() => return Err(CommandError::Stopping),
                    }
                }
                _ => return Ok(false),
            }
        }
    }

    /// An image that will never be filled. What fails here is only logged, as in cinder-volume.
    async fn remove_unfinished(&self, image_id: &str) {
        let caller = self.caller();
        let removed = async {
            let image = self.images.glance.show(&caller, image_id).await?;
            if ["queued", "saving"].contains(&image.status.as_str()) {
                self.images.glance.delete(&caller, image_id).await?;
            }
            Ok::<_, CommandError>(())
        };
        if let Err(error) = removed.await {
            warn!(image.id = image_id, error = %error.chain(), "the unfinished image is left in Glance");
        }
    }
}
