//! `GroupSnapshot` and lists of it.

use super::{Field, Group, Kind, Snapshot, Versioned, versioned};

const FIELDS: &[Field] = &[
    Field::key("id", Kind::Uuid),
    Field::req("group_id", Kind::Uuid),
    Field::opt("project_id", Kind::Text),
    Field::opt("user_id", Kind::Text),
    Field::opt("name", Kind::Text),
    Field::opt("description", Kind::Text),
    Field::opt("status", Kind::Text),
    Field::opt("group_type_id", Kind::Uuid),
    Field::opt("group", Kind::Object(Group::spec)),
    Field::opt(
        "snapshots",
        Kind::Object(super::snapshot::SnapshotList::spec),
    ),
    Field::opt("created_at", Kind::Time),
    Field::opt("updated_at", Kind::Time),
    Field::opt("deleted_at", Kind::Time),
    Field::opt("deleted", Kind::Bool),
];

versioned! {
    /// A snapshot of a generic volume group.
    GroupSnapshot (1, 0), FIELDS
}

versioned! {
    /// Group snapshots, e.g. those of a group.
    GroupSnapshotList (1, 0), &[Field::req("objects", Kind::Objects(GroupSnapshot::spec))]
}

impl GroupSnapshot {
    /// Id of the group snapshot.
    pub fn id(&self) -> &str {
        self.text("id").unwrap_or_default()
    }

    /// Group it was taken of.
    pub fn group_id(&self) -> Option<&str> {
        self.text("group_id")
    }

    /// `creating`, `available`, ...
    pub fn status(&self) -> Option<&str> {
        self.text("status")
    }

    /// Owner.
    pub fn project_id(&self) -> Option<&str> {
        self.text("project_id")
    }

    /// The group itself, if it was loaded.
    pub fn group(&self) -> Option<Group> {
        self.object("group")
    }

    /// The snapshots, if they were loaded.
    pub fn snapshots(&self) -> Option<Vec<Snapshot>> {
        let list: super::snapshot::SnapshotList = self.object("snapshots")?;
        Some(list.objects("objects"))
    }
}
