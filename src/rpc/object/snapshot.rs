//! `Snapshot`: a row of `snapshots` as the sender saw it.

use std::collections::BTreeMap;

use super::known::{cgsnapshot, passed_on_field};
use super::{Field, GroupSnapshot, Kind, Versioned, Volume, versioned};

const STATUS: Kind = Kind::Enum(&[
    "error",
    "available",
    "creating",
    "deleting",
    "deleted",
    "updating",
    "error_deleting",
    "unmanaging",
    "backing-up",
    "restoring",
]);

const FIELDS: &[Field] = &[
    Field::key("id", Kind::Uuid),
    Field::opt("user_id", Kind::Text),
    Field::opt("project_id", Kind::Text),
    Field::req("use_quota", Kind::BoolOrTrue),
    Field::opt("volume_id", Kind::Uuid),
    Field::opt("cgsnapshot_id", Kind::Uuid),
    Field::opt("group_snapshot_id", Kind::Uuid),
    Field::opt("status", STATUS),
    Field::opt("progress", Kind::Text),
    Field::opt("volume_size", Kind::Int),
    Field::opt("display_name", Kind::Text),
    Field::opt("display_description", Kind::Text),
    Field::opt("encryption_key_id", Kind::Uuid),
    Field::opt("volume_type_id", Kind::Uuid),
    Field::opt("provider_location", Kind::Text),
    Field::opt("provider_id", Kind::Text),
    Field::opt("provider_auth", Kind::Text),
    Field::req("metadata", Kind::Strings),
    Field::opt("volume", Kind::Object(Volume::spec)),
    Field::opt("group_snapshot", Kind::Object(GroupSnapshot::spec)),
    passed_on_field("cgsnapshot", cgsnapshot),
    Field::opt("created_at", Kind::Time),
    Field::opt("updated_at", Kind::Time),
    Field::opt("deleted_at", Kind::Time),
    Field::opt("deleted", Kind::Bool),
];

versioned! {
    /// A snapshot as it stood in a message.
    Snapshot (1, 6), FIELDS
}

versioned! {
    /// Snapshots, e.g. those of a volume.
    SnapshotList (1, 0), &[Field::req("objects", Kind::Objects(Snapshot::spec))]
}

impl Snapshot {
    /// Id of the snapshot.
    pub fn id(&self) -> &str {
        self.text("id").unwrap_or_default()
    }

    /// Volume it was taken of.
    pub fn volume_id(&self) -> Option<&str> {
        self.text("volume_id")
    }

    /// Size of that volume in GiB.
    pub fn volume_size(&self) -> Option<i64> {
        self.int("volume_size")
    }

    /// `creating`, `available`, ...
    pub fn status(&self) -> Option<&str> {
        self.text("status")
    }

    /// Owner.
    pub fn project_id(&self) -> Option<&str> {
        self.text("project_id")
    }

    /// User who created it.
    pub fn user_id(&self) -> Option<&str> {
        self.text("user_id")
    }

    /// Whether quota sees it; true if not loaded.
    pub fn use_quota(&self) -> bool {
        self.flag("use_quota").unwrap_or(true)
    }

    /// Name the user gave.
    pub fn display_name(&self) -> Option<&str> {
        self.text("display_name")
    }

    /// Type of the volume.
    pub fn volume_type_id(&self) -> Option<&str> {
        self.text("volume_type_id")
    }

    /// Group snapshot it belongs to.
    pub fn group_snapshot_id(&self) -> Option<&str> {
        self.text("group_snapshot_id")
    }

    /// User's metadata, if it was loaded.
    pub fn metadata(&self) -> Option<BTreeMap<String, String>> {
        self.strings("metadata")
    }

    /// The volume itself, if it was loaded.
    pub fn volume(&self) -> Option<Volume> {
        self.object("volume")
    }
}
