//! How commands end that this version cannot run, that never come to an end, or whose message
//! was lost: never a false success, never a stuck row.
//!
//! One table, without I/O: which rows leave which in-progress state for which error state, which
//! reservations are rolled back, and what the user is told. Every change names the state it
//! expects, so that a late repeat changes nothing.

use crate::report::{Action, Detail, Subject};
use crate::rpc::Command;

/// A row, and the change that ends its in-progress state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RowEnd {
    /// `volumes.status` from one of these to that.
    Volume(String, &'static [&'static str], VolumeEnd),
    /// `volumes.migration_status` to `error`; a status kept for the migration is restored.
    Migration(String),
    /// `snapshots.status`
    Snapshot(String, &'static [&'static str], &'static str),
    /// `volume_attachment.attach_status`
    Attachment(String, &'static [&'static str], &'static str),
    /// `groups.status`, and that of its volumes in the same state.
    Group(String, &'static str),
    /// `group_snapshots.status`, and that of its snapshots in the same state.
    GroupSnapshot(String, &'static str),
    /// `groups.replication_status` and its volumes' from this state to `error`.
    GroupReplication(String, &'static str),
    /// `backups.status` from `creating` to `error`, with the reason.
    Backup(String),
    /// `services.replication_status` of ours from `failing-over` to `failover-error`.
    Failover,
}

/// The status a volume ends in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VolumeEnd {
    /// This one.
    Status(&'static str),
    /// `previous_status`.
    Previous,
    /// `in-use` with attachments, else `available`.
    ByAttachments,
    /// `error`, keeping the present one as `previous_status`.
    ErrorKeepingPrevious,
}

/// How one command ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Refusal {
    /// What cannot be done, after "cannot".
    pub what: String,
    /// Rows to end.
    pub rows: Vec<RowEnd>,
    /// Reservations to roll back, and the id of the volume whose project they belong to.
    pub reservations: Vec<String>,
    /// Who is told.
    pub message: Option<(Subject, String, Action, Detail)>,
}

impl Refusal {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            ..Self::default()
        }
    }

    pub(super) fn row(mut self, row: RowEnd) -> Self {
        self.rows.push(row);
        self
    }

    pub(super) fn tell(
        mut self,
        subject: Subject,
        id: &str,
        action: Action,
        detail: Detail,
    ) -> Self {
        self.message = Some((subject, id.to_owned(), action, detail));
        self
    }

    fn roll_back(mut self, lists: &[&Option<Vec<String>>]) -> Self {
        self.reservations = lists
            .iter()
            .filter_map(|l| l.as_ref())
            .flatten()
            .cloned()
            .collect();
        self
    }
}

/// The table.
pub(super) fn of(command: &Command) -> Refusal {
    use Command as C;
    use RowEnd::{
        Attachment, Backup, Failover, Group, GroupReplication, GroupSnapshot, Migration, Snapshot,
        Volume,
    };
    use VolumeEnd::{ByAttachments, ErrorKeepingPrevious, Previous, Status};
    let own = |id: &str| id.to_owned();
    match command {
        // Volumes, snapshots and their growth are run: these lines are for commands that never come
        // to an end.
        C::CreateVolume(a) => Refusal::new(format!("create volume {}", a.volume.id()))
            .row(Volume(
                own(a.volume.id()),
                &["creating", "downloading", "migration_target_creating"],
                Status("error"),
            ))
            .tell(
                Subject::Volume,
                a.volume.id(),
                Action::CreateVolumeFromBackend,
                Detail::Unknown,
            ),
        C::DeleteVolume(a) => Refusal::new(format!("delete volume {}", a.volume.id())).row(Volume(
            own(a.volume.id()),
            &["deleting", "unmanaging", "error_managing_deleting"],
            Status(if a.unmanage_only {
                "error_unmanaging"
            } else {
                "error_deleting"
            }),
        )),
        C::CreateSnapshot(a) => Refusal::new(format!("create snapshot {}", a.snapshot.id()))
            .row(Snapshot(own(a.snapshot.id()), &["creating"], "error"))
            .tell(
                Subject::Snapshot,
                a.snapshot.id(),
                Action::SnapshotCreate,
                Detail::SnapshotCreateError,
            ),
        C::DeleteSnapshot(a) => Refusal::new(format!("delete snapshot {}", a.snapshot.id()))
            .row(Snapshot(
                own(a.snapshot.id()),
                &["deleting", "unmanaging"],
                "error_deleting",
            ))
            .tell(
                Subject::Snapshot,
                a.snapshot.id(),
                Action::SnapshotDelete,
                Detail::SnapshotDeleteError,
            ),
        C::RevertToSnapshot(a) => Refusal::new(format!("revert volume {}", a.volume.id()))
            .row(Volume(own(a.volume.id()), &["reverting"], Status("error")))
            .row(Snapshot(own(a.snapshot.id()), &["restoring"], "available")),
        C::ExtendVolume(a) => Refusal::new(format!("extend volume {}", a.volume.id()))
            .row(Volume(
                own(a.volume.id()),
                &["extending"],
                Status("error_extending"),
            ))
            .roll_back(&[&a.reservations])
            .tell(
                Subject::Volume,
                a.volume.id(),
                Action::ExtendVolume,
                Detail::DriverFailedExtend,
            ),
        C::ExtendVolumeCompletion(a) => Refusal::new(format!(
            "complete the extension of volume {}",
            a.volume.id()
        ))
        .row(Volume(
            own(a.volume.id()),
            &["extending"],
            Status("error_extending"),
        ))
        .roll_back(&[&a.reservations])
        .tell(
            Subject::Volume,
            a.volume.id(),
            Action::ExtendVolume,
            Detail::DriverFailedExtend,
        ),
        C::CopyVolumeToImage(a) => Refusal::new(format!("copy volume {} to an image", a.volume_id))
            .row(Volume(own(&a.volume_id), &["uploading"], ByAttachments))
            .tell(
                Subject::Volume,
                &a.volume_id,
                Action::CopyVolumeToImage,
                Detail::FailedToUploadVolume,
            ),
        C::Retype(a) => Refusal::new(format!("retype volume {}", a.volume.id()))
            .row(Volume(own(a.volume.id()), &["retyping"], Previous))
            .roll_back(&[&a.reservations, &a.old_reservations]),
        C::MigrateVolume(a) => Refusal::new(format!("migrate volume {}", a.volume.id()))
            .row(Migration(own(a.volume.id()))),
        C::MigrateVolumeCompletion(a) => Refusal::new(format!(
            "complete the migration of volume {}",
            a.volume.id()
        ))
        .row(Migration(own(a.volume.id()))),
        C::UpdateMigratedVolume(a) => {
            Refusal::new(format!("take over migrated volume {}", a.volume.id()))
        }
        C::ManageExisting(a) => {
            Refusal::new(format!("manage an existing volume as {}", a.volume.id())).row(Volume(
                own(a.volume.id()),
                &["managing"],
                Status("error_managing"),
            ))
        }
        C::ManageExistingSnapshot(a) => Refusal::new(format!(
            "manage an existing snapshot as {}",
            a.snapshot.id()
        ))
        .row(Snapshot(own(a.snapshot.id()), &["creating"], "error")),
        C::AttachmentUpdate(a) => Refusal::new(format!("attach volume {}", a.vref.id()))
            .row(Attachment(
                own(&a.attachment_id),
                &["reserved", "attaching"],
                "error_attaching",
            ))
            .tell(
                Subject::Volume,
                a.vref.id(),
                Action::UpdateAttachment,
                Detail::Unknown,
            ),
        C::AttachVolume(a) => Refusal::new(format!("attach volume {}", a.volume_id)).tell(
            Subject::Volume,
            &a.volume_id,
            Action::AttachVolume,
            Detail::Unknown,
        ),
        C::Reimage(a) => Refusal::new(format!("reimage volume {}", a.volume.id()))
            .row(Volume(
                own(a.volume.id()),
                &["downloading"],
                ErrorKeepingPrevious,
            ))
            .tell(
                Subject::Volume,
                a.volume.id(),
                Action::ReimageVolume,
                Detail::Unknown,
            ),
        C::GetBackupDevice(a) => {
            let refusal = Refusal::new(format!("serve backup {}", a.backup.id()))
                .row(Backup(own(a.backup.id())));
            match (a.backup.snapshot_id(), a.backup.volume_id()) {
                // The volume is somebody else's business then.
                (Some(id), _) => refusal.row(Snapshot(own(id), &["backing-up"], "available")),
                (None, Some(id)) => refusal.row(Volume(own(id), &["backing-up"], Previous)),
                (None, None) => refusal,
            }
        }
        C::CreateGroup(a) => Refusal::new(format!("create group {}", a.group.id()))
            .row(Group(own(a.group.id()), "creating")),
        C::CreateGroupFromSrc(a) => {
            Refusal::new(format!("create group {} from a source", a.group.id()))
                .row(Group(own(a.group.id()), "creating"))
        }
        C::DeleteGroup(a) => Refusal::new(format!("delete group {}", a.group.id()))
            .row(Group(own(a.group.id()), "deleting")),
        C::UpdateGroup(a) => Refusal::new(format!("update group {}", a.group.id()))
            .row(Group(own(a.group.id()), "updating")),
        C::CreateGroupSnapshot(a) => {
            Refusal::new(format!("create group snapshot {}", a.group_snapshot.id()))
                .row(GroupSnapshot(own(a.group_snapshot.id()), "creating"))
        }
        C::DeleteGroupSnapshot(a) => {
            Refusal::new(format!("delete group snapshot {}", a.group_snapshot.id()))
                .row(GroupSnapshot(own(a.group_snapshot.id()), "deleting"))
        }
        C::EnableReplication(a) => Refusal::new(format!("replicate group {}", a.group.id()))
            .row(GroupReplication(own(a.group.id()), "enabling")),
        C::DisableReplication(a) => {
            Refusal::new(format!("stop replicating group {}", a.group.id()))
                .row(GroupReplication(own(a.group.id()), "disabling"))
        }
        C::FailoverReplication(a) => Refusal::new(format!("fail group {} over", a.group.id()))
            .row(GroupReplication(own(a.group.id()), "failing-over")),
        C::Failover(_) | C::FailoverHost(_) => {
            Refusal::new("fail over: there is no replication_device").row(Failover)
        }
        // Nothing is in progress in the rows of these. Named one by one, so that a new method
        // must be given a line in this table.
        C::DetachVolume(_)
        | C::InitializeConnection(_)
        | C::TerminateConnection(_)
        | C::RemoveExport(_)
        | C::AttachmentDelete(_)
        | C::InitializeConnectionSnapshot(_)
        | C::TerminateConnectionSnapshot(_)
        | C::RemoveExportSnapshot(_)
        | C::GetManageableVolumes(_)
        | C::GetManageableSnapshots(_)
        | C::FreezeHost(_)
        | C::ThawHost(_)
        | C::DoCleanup(_)
        | C::SetLogLevels(_)
        | C::GetLogLevels(_)
        // These are run, and never come here.
        | C::GetCapabilities(_)
        | C::PublishServiceCapabilities(_)
        | C::AcceptTransfer(_)
        | C::SecureFileOperationsEnabled(_)
        | C::ListReplicationTargets(_)
        | C::FailoverCompleted(_)
        | C::Ping => Refusal::new(format!("run {}", command.method())),
    }
}
