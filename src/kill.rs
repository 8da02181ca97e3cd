//! Named points at which a test ends this process as `kill -9` would: one in every gap between
//! two writes that outlive it.
//!
//! Armed by the environment variable [`VARIABLE`] as `NAME` or `NAME:N` (the Nth time the point
//! is passed), in builds with debug assertions only; a release passes all of them unseen.

/// The environment variable that arms a point.
pub const VARIABLE: &str = "CINDER_VOLUME_XTREMIO_KILL_POINT";

macro_rules! points {
    ($($(#[$doc:meta])* $point:ident => $name:literal,)*) => {
        /// A gap between two durable writes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Point { $($(#[$doc])* $point,)* }

        impl Point {
            /// All of them, roughly in the order in which a command passes them.
            pub const ALL: &[Self] = &[$(Self::$point,)*];

            /// As [`VARIABLE`] names it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$point => $name,)* }
            }
        }
    };
}

points! {
    /// The message is here, nothing is written.
    Received => "command.received",
    /// The journal holds the intent.
    IntentWritten => "intent.written",
    /// The worker row is ours.
    WorkerClaimed => "worker.claimed",
    /// The array has made the volume; the row says `creating`.
    CreateOnArray => "create_volume.on_array",
    /// The row says `available`, and the worker row has gone.
    CreateEnded => "create_volume.ended",
    /// The owner is told of a failure that the row does not show yet.
    MessageWritten => "message.written",
    /// The row says `error`, and the worker row has gone.
    CreateFailed => "create_volume.failed",
    /// What a failed create left on the array has gone; the row still names this host.
    CreateTidied => "create_volume.tidied",
    /// The row names no host, the worker row nobody; the scheduler does not know yet.
    CreateUnhosted => "create_volume.unhosted",
    /// The scheduler has the create.
    CreateGivenBack => "create_volume.given_back",
    /// The array has deleted the volume; the row says `deleting`.
    DeleteOffArray => "delete_volume.off_array",
    /// The quota to give back is reserved, not committed.
    DeleteReserved => "delete_volume.reserved",
    /// The row is deleted, quota and worker row with it.
    DeleteEnded => "delete_volume.ended",
    /// The row shows that the delete failed, and the worker row has gone.
    DeleteFailed => "delete_volume.failed",
    /// The copy is on the array; the image metadata of its source is not copied.
    CopyOnArray => "create_volume.copied",
    /// The image metadata is copied; the row says `creating`.
    CopyMetadata => "create_volume.metadata_copied",
    /// The array has grown the volume; the row says `extending`.
    ExtendOnArray => "extend_volume.on_array",
    /// The row shows the new size, and its quota is taken; no instance is told.
    ExtendEnded => "extend_volume.ended",
    /// The row says `error_extending`, and the quota is given back.
    ExtendFailed => "extend_volume.failed",
    /// The array has made the snapshot; the row says `creating`.
    SnapshotOnArray => "create_snapshot.on_array",
    /// The image metadata of the volume is copied; the row says `creating`.
    SnapshotMetadata => "create_snapshot.metadata_copied",
    /// The row says `available`, and the worker row has gone.
    SnapshotEnded => "create_snapshot.ended",
    /// The row says `error`, and the worker row has gone.
    SnapshotFailed => "create_snapshot.failed",
    /// The array has deleted the snapshot; the row says `deleting`.
    SnapshotOffArray => "delete_snapshot.off_array",
    /// The quota to give back is reserved, not committed.
    SnapshotReserved => "delete_snapshot.reserved",
    /// The row is deleted, and quota with it.
    SnapshotGone => "delete_snapshot.ended",
    /// The row shows that the snapshot was not deleted.
    SnapshotKept => "delete_snapshot.failed",
    /// The array shows the volume to the host; no row says so.
    MappedOnArray => "connection.mapped",
    /// The array does not show the volume to the host any more; the rows do not know.
    UnmappedOnArray => "connection.unmapped",
    /// The attachment of the old flow is there, `attaching`.
    AttachBegun => "attach_volume.begun",
    /// Attachment and volume say that the host has it.
    AttachmentWritten => "attachment.written",
    /// The attachment's row is deleted, and the volume's status follows.
    AttachmentEnded => "attachment.ended",
    /// The array shows the volume to this host, for a copy.
    MappedHere => "copy.mapped",
    /// The bytes of an image are on the array; the row says `downloading`.
    ImageWritten => "create_volume.image_written",
    /// The volume's bytes are ready to be sent to Glance.
    VolumeRead => "copy_volume_to_image.read",
    /// Glance has the whole image; the row says `uploading`.
    ImageUploaded => "copy_volume_to_image.uploaded",
    /// The array does not show the volume to this host any more.
    UnmappedHere => "copy.unmapped",
    /// The image that will not be filled is gone; the row says `uploading`.
    ImageRemoved => "copy_volume_to_image.removed",
    /// The row shows the end of the upload.
    UploadEnded => "copy_volume_to_image.ended",
    /// The temporary volume of a backup has a row, and the backup names it.
    BackupTempNamed => "get_backup_device.named",
    /// The temporary volume of a backup is on the array; its row says `creating`.
    BackupTempOnArray => "get_backup_device.on_array",
    /// The backup says which volume it is restored to, and by whom.
    RestoreWritten => "create_volume.restore_written",
    /// cinder-backup has its cast.
    BackupTold => "backup.told",
    /// One row of a command that cannot be run is ended.
    RefusedRow => "refused.row_ended",
    /// The reservations of a command that cannot be run are rolled back.
    RefusedQuota => "refused.rolled_back",
    /// All rows show the end; the journal holds the intent.
    CommandEnded => "command.ended",
    /// The journal holds the finish record; nobody has a reply.
    FinishWritten => "finish.written",
    /// The caller has the reply; the broker still holds the message.
    ReplySent => "reply.sent",
}

/// Ends the process here if a test asked for it.
#[inline]
pub fn pass(point: Point) {
    #[cfg(debug_assertions)]
    armed::pass(point);
    #[cfg(not(debug_assertions))]
    let _ = point;
}

#[cfg(debug_assertions)]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    use nix::sys::signal::{Signal, raise};

    use super::{Point, VARIABLE};

    struct Armed {
        name: String,
        /// Passes left before the end.
        passes: AtomicU32,
    }

    static ARMED: OnceLock<Option<Armed>> = OnceLock::new();

    fn read() -> Option<Armed> {
        let text = std::env::var(VARIABLE).ok()?;
        let (name, passes) = match text.split_once(':') {
            Some((name, times)) => (name, times.parse().ok()?),
            None => (text.as_str(), 1),
        };
        Some(Armed {
            name: name.to_owned(),
            passes: AtomicU32::new(passes),
        })
    }

    pub(super) fn pass(point: Point) {
        let Some(armed) = ARMED.get_or_init(read) else {
            return;
        };
        if armed.name != point.name() {
            return;
        }
        let left = armed
            .passes
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        if left == Ok(1) {
            // As the kernel does it: no destructor runs, nothing is flushed.
            let _ = raise(Signal::SIGKILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Point;

    #[test]
    fn every_point_has_a_name_of_its_own() {
        let names: HashSet<_> = Point::ALL.iter().map(|point| point.name()).collect();
        assert_eq!(names.len(), Point::ALL.len());
    }
}
