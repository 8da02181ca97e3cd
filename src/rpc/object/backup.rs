//! `Backup`, and `BackupDeviceInfo`: what a backup reads from.

use super::{Field, Kind, Snapshot, Versioned, Volume, versioned};

const STATUS: Kind = Kind::Enum(&[
    "error",
    "error_deleting",
    "creating",
    "available",
    "deleting",
    "deleted",
    "restoring",
]);

const FIELDS: &[Field] = &[
    Field::key("id", Kind::Uuid),
    Field::req("user_id", Kind::Text),
    Field::req("project_id", Kind::Text),
    Field::req("volume_id", Kind::Uuid),
    Field::opt("host", Kind::Text),
    Field::opt("availability_zone", Kind::Text),
    Field::opt("container", Kind::Text),
    Field::opt("parent_id", Kind::Text),
    Field::opt("parent", Kind::Object(Backup::spec)),
    Field::opt("status", STATUS),
    Field::opt("fail_reason", Kind::Text),
    Field::opt("size", Kind::Int),
    Field::opt("display_name", Kind::Text),
    Field::opt("display_description", Kind::Text),
    Field::opt("service_metadata", Kind::Text),
    Field::opt("service", Kind::Text),
    Field::opt("object_count", Kind::Int),
    Field::opt("temp_volume_id", Kind::Text),
    Field::opt("temp_snapshot_id", Kind::Text),
    Field::opt("num_dependent_backups", Kind::Int),
    Field::opt("snapshot_id", Kind::Text),
    Field::opt("data_timestamp", Kind::Time),
    Field::opt("restore_volume_id", Kind::Text),
    Field::opt("metadata", Kind::Strings),
    Field::opt("encryption_key_id", Kind::Text),
    Field::opt("created_at", Kind::Time),
    Field::opt("updated_at", Kind::Time),
    Field::opt("deleted_at", Kind::Time),
    Field::opt("deleted", Kind::Bool),
];

versioned! {
    /// A backup that cinder-backup is making or restoring.
    Backup (1, 7), FIELDS
}

versioned! {
    /// The volume or the snapshot that a backup reads from; one of the two.
    BackupDeviceInfo (1, 0), &[
        Field::opt("volume", Kind::Object(Volume::spec)),
        Field::opt("snapshot", Kind::Object(Snapshot::spec)),
        Field::req("secure_enabled", Kind::Bool),
    ]
}

impl Backup {
    /// Id of the backup.
    pub fn id(&self) -> &str {
        self.text("id").unwrap_or_default()
    }

    /// Volume it is of.
    pub fn volume_id(&self) -> Option<&str> {
        self.text("volume_id")
    }

    /// Snapshot it is of.
    pub fn snapshot_id(&self) -> Option<&str> {
        self.text("snapshot_id")
    }

    /// Host of the cinder-backup that works on it.
    pub fn host(&self) -> Option<&str> {
        self.text("host")
    }
}

impl BackupDeviceInfo {
    /// The volume to read.
    pub fn volume(&self) -> Option<Volume> {
        self.object("volume")
    }

    /// The snapshot to read.
    pub fn snapshot(&self) -> Option<Snapshot> {
        self.object("snapshot")
    }
}
