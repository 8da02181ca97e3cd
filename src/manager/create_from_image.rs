//! `create_volume` from an image: downloaded, looked at, and written to a volume made for it.

use tracing::{info, warn};

use super::Run;
use super::create_from::{Made, new_volume};
use super::error::CommandError;
use crate::backend::ModelUpdate;
use crate::db::{DbError, Volume as Row, VolumeChanges, Worker, WorkerOf};
use crate::image::{ImageError, ImageFacts, Place, Progress, Step, WorkFile};
use crate::kill::{self, Point};
use crate::openstack::{GlanceError, Image};
use crate::report::{Action, Detail, Direction, Subject};

impl Run<'_> {
    /// A volume with the content of the image `id`. The worker row follows the volume's status.
    pub(super) async fn make_from_image(
        &self,
        row: &Row,
        id: &str,
        worker: &mut Option<Worker>,
    ) -> Result<Made, CommandError> {
        match self.filled(row, id, worker).await {
            Ok(update) => Ok(Made {
                update,
                bootable: true,
                backup: None,
            }),
            Err(CommandError::Stopping) => Err(CommandError::Stopping),
            Err(error) => {
                warn!(volume.id = %row.id, image.id = id, error = %error.chain(), "image not written");
                if let Some(detail) = told(&error) {
                    let (subject, action) = (Subject::Volume, Action::CopyImageToVolume);
                    self.message(subject, &row.id, action, detail, &error).await;
                    kill::pass(Point::MessageWritten);
                }
                self.db(|| self.db.delete_glance_metadata(&row.id)).await?;
                Err(error)
            }
        }
    }

    async fn filled(
        &self,
        row: &Row,
        id: &str,
        worker: &mut Option<Worker>,
    ) -> Result<ModelUpdate, CommandError> {
        self.check_ready()?;
        if row.encryption_key_id.is_some() {
            return Err(CommandError::Unsupported {
                what: format!("write image {id} to the encrypted volume {}", row.id),
            });
        }
        if self.starts > 1 {
            // Whatever comes now: an earlier start may have mapped it to this host.
            self.give_up_local(row).await?;
        }
        let image = self.images.glance.show(&self.caller(), id).await?;
        if image.is_signed() && self.images.glance.verifies_signatures() {
            return Err(CommandError::Signature {
                image_id: id.to_owned(),
            });
        }
        let update = self.write(row, &image, worker).await?;
        self.note_image(row, &image).await?;
        Ok(update)
    }

    async fn write(
        &self,
        row: &Row,
        image: &Image,
        worker: &mut Option<Worker>,
    ) -> Result<ModelUpdate, CommandError> {
        let (copier, progress) = (&self.images.copier, Progress::new());
        let _shown = self.shown(Direction::ImageToVolume, &progress);
        let facts = facts(image);
        let volume = new_volume(row, None);
        let file = copier.admit(&facts, volume.size_gib).await?;
        self.download(image, &file, &progress).await?;
        let prepared = copier
            .prepare(file, &facts, volume.size_gib, &progress)
            .await?;
        let update = self.array(|| self.backend.create_volume(&volume)).await?;
        kill::pass(Point::CreateOnArray);
        self.downloading(row, &update, worker).await?;
        let (prepared, progress) = (&prepared, &progress);
        let write = |place: Place| async move {
            copier.write(prepared, &place, true, progress).await?;
            Ok(())
        };
        self.with_local(row, write).await?;
        kill::pass(Point::ImageWritten);
        let metrics = &self.report.metrics;
        metrics.copied(Direction::ImageToVolume, progress.now().done);
        info!(volume.id = %row.id, image.id = %image.id, "image written");
        Ok(update)
    }

    async fn download(
        &self,
        image: &Image,
        file: &WorkFile,
        progress: &Progress,
    ) -> Result<(), CommandError> {
        let mut writer = file.writer().await.map_err(|source| GlanceError::Write {
            image_id: image.id.clone(),
            source,
        })?;
        progress.begin(Step::Download, image.size.unwrap_or(0));
        let (caller, reached) = (self.caller(), |bytes| progress.reach(bytes));
        let glance = &self.images.glance;
        tokio::select! {
            done = glance.download(&caller, image, &mut writer, reached) => Ok(done?),
            () = self.stop.cancelled() => Err(CommandError::Stopping),
        }
    }

    /// The row says that bytes are on their way, and so does the worker row.
    async fn downloading(
        &self,
        row: &Row,
        update: &ModelUpdate,
        worker: &mut Option<Worker>,
    ) -> Result<(), CommandError> {
        let mut changes = VolumeChanges::new().status("downloading");
        if let Some(location) = &update.provider_location {
            changes = changes.provider_location(Some(location));
        }
        if let Some(id) = &update.provider_id {
            changes = changes.provider_id(Some(id));
        }
        self.db(|| self.db.update_volume(&row.id, &changes)).await?;
        let of = WorkerOf::Volume(row.id.clone());
        *worker = self.claim_of(&of, "downloading").await?;
        Ok(())
    }

    /// What the volume tells of its image. A repeat may find what the first time wrote, and an
    /// image whose owner has changed it since.
    async fn note_image(&self, row: &Row, image: &Image) -> Result<(), CommandError> {
        let mut pairs = image.volume_metadata();
        if self.images.glance.verifies_signatures() {
            // As Python's `False` in a text column.
            pairs.insert("signature_verified".to_owned(), "False".to_owned());
        }
        if self.starts > 1 {
            self.db(|| self.db.delete_glance_metadata(&row.id)).await?;
        }
        let add = || self.db.add_glance_metadata(&row.id, &pairs);
        let noted = self.db(add).await.map_err(|error| match error {
            CommandError::Db(source @ DbError::GlanceMetadataExists { .. }) => {
                CommandError::MetadataCopyFailure {
                    of: image.id.clone(),
                    source,
                }
            }
            other => other,
        });
        kill::pass(Point::CopyMetadata);
        noted
    }
}

/// What Glance says of the file.
fn facts(image: &Image) -> ImageFacts {
    ImageFacts {
        id: image.id.clone(),
        disk_format: image.disk_format.clone().unwrap_or_default(),
        container_format: image.container_format.clone().unwrap_or_default(),
        size: image.size.unwrap_or(0),
        virtual_size: image.virtual_size,
    }
}

/// What the owner is told; the other failures show in the volume's status alone, as in
/// cinder-volume.
fn told(error: &CommandError) -> Option<Detail> {
    match error {
        CommandError::Image(ImageError::TooBig { .. }) => Some(Detail::NotEnoughSpaceForImage),
        CommandError::Image(ImageError::ConversionNotAllowed { .. }) => {
            Some(Detail::ImageFormatUnacceptable)
        }
        CommandError::Signature { .. } => Some(Detail::SignatureVerificationFailed),
        CommandError::Unsupported { .. } | CommandError::Image(_) => Some(Detail::Unknown),
        _ => None,
    }
}
