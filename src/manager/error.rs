//! What a command can fail with, and what its caller is told: one table.

use crate::backend::BackendError;
use crate::db::DbError;
use crate::image::{ImageError, PathError};
use crate::journal::JournalError;
use crate::openstack::{GlanceError, OpenStackError};
use crate::report::CastError;
use crate::rpc::{CinderException, Failure};

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The array was never reached with these options.
    #[error("Volume driver not ready.")]
    NotReady,
    /// No such row.
    #[error("volume {id} not found")]
    VolumeNotFound {
        /// Id of the volume.
        id: String,
    },
    /// No such row.
    #[error("snapshot {id} not found")]
    SnapshotNotFound {
        /// Id of the snapshot.
        id: String,
    },
    /// No such row.
    #[error("backup {id} not found")]
    BackupNotFound {
        /// Id of the backup.
        id: String,
    },
    /// No such service is up.
    #[error("no {service} is up")]
    ServiceNotFound {
        /// Its binary.
        service: String,
    },
    /// The image metadata of a source could not be copied.
    #[error("image metadata of {of} not copied")]
    MetadataCopyFailure {
        /// Id of the volume or snapshot they are of.
        of: String,
        /// The cause.
        #[source]
        source: DbError,
    },
    /// The volume that a snapshot is of could not be asked whether it is bootable.
    #[error("bootable flag of {of} unknown")]
    MetadataUpdateFailure {
        /// Id of the volume.
        of: String,
        /// The cause.
        #[source]
        source: DbError,
    },
    /// The volume has attachments.
    #[error("volume {id} is attached")]
    VolumeAttached {
        /// Id of the volume.
        id: String,
    },
    /// No such attachment.
    #[error("attachment {id} not found")]
    AttachmentNotFound {
        /// Id of the attachment.
        id: String,
    },
    /// The volume is in no state for it.
    #[error("{reason}")]
    InvalidVolume {
        /// What is wrong, for the user.
        reason: String,
    },
    /// An argument makes no sense.
    #[error("{reason}")]
    InvalidInput {
        /// What is wrong, for the user.
        reason: String,
    },
    /// What names an instance is no UUID.
    #[error("{uuid} is no UUID")]
    InvalidUuid {
        /// What was given.
        uuid: String,
    },
    /// A volume that may only be read was to be attached for writing.
    #[error("volume {id} cannot be attached in mode {mode}")]
    InvalidAttachMode {
        /// What was asked for.
        mode: String,
        /// Id of the volume.
        id: String,
    },
    /// The array did not map the volume, or not take it away.
    #[error("{reason}")]
    Connection {
        /// In Cinder's words, with the array's.
        reason: String,
        /// The cause.
        source: Option<BackendError>,
    },
    /// The request makes no sense for this resource.
    #[error("{reason}")]
    Invalid {
        /// What is wrong, for the user.
        reason: String,
    },
    /// The row holds a snapshot that is in the way.
    #[error("{reason}")]
    InvalidSnapshot {
        /// What is wrong, for the user.
        reason: String,
    },
    /// Something this version cannot do.
    #[error("cinder-volume-xtremio {version} cannot {what}", version = env!("CARGO_PKG_VERSION"))]
    Unsupported {
        /// What was asked for.
        what: String,
    },
    /// A create that went back to the scheduler before, and whose first failure is forgotten.
    #[error("rescheduled")]
    Rescheduled,
    /// It was started again and again without coming to an end.
    #[error("started {starts} times without coming to an end: given up")]
    Poisoned {
        /// How often it was started.
        starts: u32,
    },
    /// Its message was lost before it could be run.
    #[error("the message that asked for it was lost, and the row does not hold all it needs")]
    Lost,
    /// A panic.
    #[error("internal error")]
    Defect,
    /// The array refused, or could not be reached for too long.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The database refused, or was away beyond the caller's patience.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The journal could not be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Another service of the cloud could not be told.
    #[error(transparent)]
    OpenStack(#[from] OpenStackError),
    /// An image is signed, and this version cannot tell whether its signature holds.
    #[error("image {image_id} is signed, and its signature cannot be verified here")]
    Signature {
        /// Id of the image.
        image_id: String,
    },
    /// Glance refused, or could not be reached.
    #[error(transparent)]
    Glance(#[from] GlanceError),
    /// An image is not acceptable, or its bytes could not be copied.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The bytes of a volume could not be reached, or may not be on the array.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The scheduler could not be told.
    #[error(transparent)]
    Cast(#[from] CastError),
    /// The process is stopping: the message goes back to the broker.
    #[error("stopping")]
    Stopping,
}

impl CommandError {
    /// Whether another backend could do no better.
    pub(super) fn forbids_reschedule(&self) -> bool {
        matches!(
            self,
            Self::VolumeNotFound { .. }
                | Self::SnapshotNotFound { .. }
                | Self::MetadataCopyFailure { .. }
                | Self::MetadataUpdateFailure { .. }
                | Self::Unsupported { .. }
                | Self::Glance(
                    GlanceError::NotFound { .. }
                        | GlanceError::NotAuthorized { .. }
                        | GlanceError::Damaged { .. }
                )
                | Self::Signature { .. }
                | Self::Image(_)
                | Self::Path(_)
                | Self::Stopping
        )
    }

    /// The error and its causes in one line.
    pub(super) fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

/// What the caller is told. Classes are those cinder-volume answers with.
impl From<&CommandError> for Failure {
    fn from(error: &CommandError) -> Self {
        let reason = error.chain();
        match error {
            CommandError::NotReady => CinderException::DriverNotInitialized {}.into(),
            CommandError::VolumeNotFound { id } => CinderException::VolumeNotFound {
                volume_id: id.clone(),
            }
            .into(),
            CommandError::SnapshotNotFound { id } => CinderException::SnapshotNotFound {
                snapshot_id: id.clone(),
            }
            .into(),
            CommandError::BackupNotFound { id } => CinderException::BackupNotFound {
                backup_id: id.clone(),
            }
            .into(),
            CommandError::ServiceNotFound { service } => CinderException::ServiceNotFound {
                service_id: service.clone(),
            }
            .into(),
            CommandError::MetadataCopyFailure { .. } => {
                CinderException::MetadataCopyFailure { reason }.into()
            }
            CommandError::MetadataUpdateFailure { .. } => {
                CinderException::MetadataUpdateFailure { reason }.into()
            }
            CommandError::VolumeAttached { id } => CinderException::VolumeAttached {
                volume_id: id.clone(),
            }
            .into(),
            CommandError::AttachmentNotFound { id } => CinderException::VolumeAttachmentNotFound {
                filter: format!("attachment_id = {id}"),
            }
            .into(),
            CommandError::InvalidVolume { .. } => CinderException::InvalidVolume { reason }.into(),
            CommandError::InvalidInput { .. } => CinderException::InvalidInput { reason }.into(),
            CommandError::InvalidUuid { uuid } => {
                CinderException::InvalidUUID { uuid: uuid.clone() }.into()
            }
            CommandError::InvalidAttachMode { mode, id } => {
                CinderException::InvalidVolumeAttachMode {
                    mode: mode.clone(),
                    volume_id: id.clone(),
                }
                .into()
            }
            // Its words hold those of the cause already.
            CommandError::Connection { reason, .. } => CinderException::VolumeBackendAPIException {
                data: reason.clone(),
            }
            .into(),
            CommandError::Invalid { .. } => CinderException::Invalid { text: reason }.into(),
            CommandError::InvalidSnapshot { .. } => {
                CinderException::InvalidSnapshot { reason }.into()
            }
            CommandError::Backend(BackendError::VolumeIsBusy { name, .. }) => {
                CinderException::VolumeIsBusy {
                    volume_name: name.clone(),
                }
                .into()
            }
            CommandError::Backend(BackendError::SnapshotLimit { reason, .. }) => {
                CinderException::SnapshotLimitReached {
                    set_limit: reason.clone(),
                }
                .into()
            }
            CommandError::Backend(_) => {
                CinderException::VolumeBackendAPIException { data: reason }.into()
            }
            CommandError::Unsupported { .. } => {
                CinderException::VolumeDriverException { message: reason }.into()
            }
            CommandError::Signature { .. } => {
                CinderException::ImageSignatureVerificationException { reason }.into()
            }
            CommandError::Glance(error) => glance_failure(error, reason),
            CommandError::Image(error) => image_failure(error),
            CommandError::Path(_) => CinderException::ImageCopyFailure { reason }.into(),
            CommandError::Defect => Failure::builtin("RuntimeError", &reason),
            CommandError::Db(_)
            | CommandError::Cast(_)
            | CommandError::OpenStack(_)
            | CommandError::Poisoned { .. }
            | CommandError::Lost
            | CommandError::Journal(_)
            | CommandError::Rescheduled
            | CommandError::Stopping => CinderException::CinderException { text: reason }.into(),
        }
    }
}

fn glance_failure(error: &GlanceError, reason: String) -> Failure {
    match error {
        GlanceError::NotFound { image_id } => CinderException::ImageNotFound {
            image_id: image_id.clone(),
        }
        .into(),
        GlanceError::Damaged { .. } | GlanceError::Write { .. } | GlanceError::Read { .. } => {
            CinderException::ImageCopyFailure { reason }.into()
        }
        _ => CinderException::CinderException { text: reason }.into(),
    }
}

fn image_failure(error: &ImageError) -> Failure {
    let reason = error.reason();
    match error {
        ImageError::Unacceptable { image_id, .. } => CinderException::ImageUnacceptable {
            image_id: image_id.clone(),
            reason,
        },
        ImageError::TooBig { image_id, .. } => CinderException::ImageTooBig {
            image_id: image_id.clone(),
            reason,
        },
        ImageError::ConversionNotAllowed { image_id, .. } => {
            CinderException::ImageConversionNotAllowed {
                image_id: image_id.clone(),
                reason,
            }
        }
        _ => CinderException::ImageCopyFailure { reason },
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_the_class_callers_expect() {
        let array = |e| CommandError::Backend(e);
        let row = || DbError::NotFound {
            table: "volumes",
            id: "v".into(),
        };
        let rows: [(CommandError, &str, i64); 13] = [
            (CommandError::NotReady, "DriverNotInitialized", 500),
            (
                CommandError::VolumeNotFound { id: "v".into() },
                "VolumeNotFound",
                404,
            ),
            (
                CommandError::VolumeAttached { id: "v".into() },
                "VolumeAttached",
                400,
            ),
            (CommandError::Invalid { reason: "r".into() }, "Invalid", 400),
            (
                CommandError::InvalidSnapshot { reason: "r".into() },
                "InvalidSnapshot",
                400,
            ),
            (
                CommandError::Unsupported { what: "fly".into() },
                "VolumeDriverException",
                500,
            ),
            (
                array(BackendError::VolumeIsBusy {
                    name: "v".into(),
                    reason: "r".into(),
                }),
                "VolumeIsBusy",
                500,
            ),
            (
                array(BackendError::Full {
                    reason: "too_many_objs".into(),
                }),
                "VolumeBackendAPIException",
                500,
            ),
            (CommandError::Rescheduled, "CinderException", 500),
            (
                CommandError::SnapshotNotFound { id: "s".into() },
                "SnapshotNotFound",
                404,
            ),
            (
                CommandError::MetadataCopyFailure {
                    of: "s".into(),
                    source: row(),
                },
                "MetadataCopyFailure",
                400,
            ),
            (
                CommandError::MetadataUpdateFailure {
                    of: "v".into(),
                    source: row(),
                },
                "MetadataUpdateFailure",
                400,
            ),
            (
                array(BackendError::SnapshotLimit {
                    name: "v".into(),
                    reason: "max_num_of_snapshots".into(),
                }),
                "SnapshotLimitReached",
                500,
            ),
        ];
        for (error, class, code) in rows {
            let failure = Failure::from(&error);
            assert!(failure.is_cinder(class), "{error:?}: {failure}");
            assert_eq!(failure.kwargs["code"].as_i64(), Some(code), "{error:?}");
        }
    }
}
