//! `Group`: a generic volume group.

use super::spec::REPLICATION_STATUS;
use super::{Field, Kind, Versioned, Volume, versioned};

const STATUS: Kind = Kind::Enum(&[
    "error",
    "available",
    "creating",
    "deleting",
    "deleted",
    "updating",
    "in-use",
    "error_deleting",
]);

const FIELDS: &[Field] = &[
    Field::key("id", Kind::Uuid),
    Field::req("user_id", Kind::Text),
    Field::req("project_id", Kind::Text),
    Field::opt("cluster_name", Kind::Text),
    Field::opt("host", Kind::Text),
    Field::opt("availability_zone", Kind::Text),
    Field::opt("name", Kind::Text),
    Field::opt("description", Kind::Text),
    Field::req("group_type_id", Kind::Text),
    Field::opt("volume_type_ids", Kind::List),
    Field::opt("status", STATUS),
    Field::opt("group_snapshot_id", Kind::Uuid),
    Field::opt("source_group_id", Kind::Uuid),
    Field::opt("replication_status", REPLICATION_STATUS),
    Field::opt("volumes", Kind::Object(super::volume::VolumeList::spec)),
    Field::opt(
        "volume_types",
        Kind::Object(super::volume_type::VolumeTypeList::spec),
    ),
    Field::opt(
        "group_snapshots",
        Kind::Object(super::group_snapshot::GroupSnapshotList::spec),
    ),
    Field::opt("created_at", Kind::Time),
    Field::opt("updated_at", Kind::Time),
    Field::opt("deleted_at", Kind::Time),
    Field::opt("deleted", Kind::Bool),
];

versioned! {
    /// A generic volume group.
    Group (1, 2), FIELDS
}

impl Group {
    /// Id of the group.
    pub fn id(&self) -> &str {
        self.text("id").unwrap_or_default()
    }

    /// `host@backend#pool`.
    pub fn host(&self) -> Option<&str> {
        self.text("host")
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

    /// Name the user gave.
    pub fn name(&self) -> Option<&str> {
        self.text("name")
    }

    /// Group type.
    pub fn group_type_id(&self) -> Option<&str> {
        self.text("group_type_id")
    }

    /// The members, if they were loaded.
    pub fn volumes(&self) -> Option<Vec<Volume>> {
        let list: super::volume::VolumeList = self.object("volumes")?;
        Some(list.objects("objects"))
    }
}
