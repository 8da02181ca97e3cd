//! `Volume`: a row of `volumes` as the sender saw it.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;

use super::known::{cluster, consistency_group, passed_on_field};
use super::spec::ATTACH_STATUS;
use super::{Field, Group, Kind, Snapshot, Versioned, VolumeAttachmentList, VolumeType, versioned};

const FIELDS: &[Field] = &[
    Field::key("id", Kind::Uuid),
    Field::opt("_name_id", Kind::Uuid),
    Field::opt("ec2_id", Kind::Uuid),
    Field::opt("user_id", Kind::Text),
    Field::opt("project_id", Kind::Text),
    Field::req("use_quota", Kind::BoolOrTrue),
    Field::opt("snapshot_id", Kind::Uuid),
    Field::opt("cluster_name", Kind::Text),
    Field::opt("host", Kind::Text),
    Field::opt("size", Kind::Int),
    Field::opt("availability_zone", Kind::Text),
    Field::opt("status", Kind::Text),
    Field::opt("attach_status", ATTACH_STATUS),
    Field::opt("migration_status", Kind::Text),
    Field::opt("scheduled_at", Kind::Time),
    Field::opt("launched_at", Kind::Time),
    Field::opt("terminated_at", Kind::Time),
    Field::opt("display_name", Kind::Text),
    Field::opt("display_description", Kind::Text),
    Field::opt("provider_id", Kind::Text),
    Field::opt("provider_location", Kind::Text),
    Field::opt("provider_auth", Kind::Text),
    Field::opt("provider_geometry", Kind::Text),
    Field::opt("volume_type_id", Kind::Uuid),
    Field::opt("source_volid", Kind::Uuid),
    Field::opt("encryption_key_id", Kind::Uuid),
    Field::opt("consistencygroup_id", Kind::Uuid),
    Field::opt("group_id", Kind::Uuid),
    Field::opt("deleted", Kind::Bool),
    Field::opt("bootable", Kind::Bool),
    Field::opt("multiattach", Kind::Bool),
    Field::opt("replication_status", Kind::Text),
    Field::opt("replication_extended_status", Kind::Text),
    Field::opt("replication_driver_data", Kind::Text),
    Field::opt("previous_status", Kind::Text),
    Field::opt("service_uuid", Kind::Text),
    Field::opt("shared_targets", Kind::Bool),
    Field::opt("metadata", Kind::Strings),
    Field::opt("admin_metadata", Kind::Strings),
    Field::opt("glance_metadata", Kind::Strings),
    Field::opt("volume_type", Kind::Object(VolumeType::spec)),
    Field::opt(
        "volume_attachment",
        Kind::Object(VolumeAttachmentList::spec),
    ),
    Field::opt(
        "snapshots",
        Kind::Object(super::snapshot::SnapshotList::spec),
    ),
    Field::opt("group", Kind::Object(Group::spec)),
    passed_on_field("consistencygroup", consistency_group),
    passed_on_field("cluster", cluster),
    Field::opt("created_at", Kind::Time),
    Field::opt("updated_at", Kind::Time),
    Field::opt("deleted_at", Kind::Time),
];

versioned! {
    /// A volume as it stood in a message: possibly older than its row.
    Volume (1, 9), FIELDS
}

versioned! {
    /// Volumes, e.g. the members of a group.
    VolumeList (1, 1), &[Field::req("objects", Kind::Objects(Volume::spec))]
}

impl Volume {
    /// Id of the volume.
    pub fn id(&self) -> &str {
        self.text("id").unwrap_or_default()
    }

    /// Id that names the volume on the array: `_name_id` after a migration, else the id.
    pub fn name_id(&self) -> &str {
        self.text("_name_id").unwrap_or_else(|| self.id())
    }

    /// Size in GiB.
    pub fn size(&self) -> Option<i64> {
        self.int("size")
    }

    /// `host@backend#pool`.
    pub fn host(&self) -> Option<&str> {
        self.text("host")
    }

    /// Cluster, of clustered backends.
    pub fn cluster_name(&self) -> Option<&str> {
        self.text("cluster_name")
    }

    /// Free text such as `creating` or `in-use`.
    pub fn status(&self) -> Option<&str> {
        self.text("status")
    }

    /// Status to go back to after a transient one.
    pub fn previous_status(&self) -> Option<&str> {
        self.text("previous_status")
    }

    /// One of `attached`, `detached`, `attaching`, ...
    pub fn attach_status(&self) -> Option<&str> {
        self.text("attach_status")
    }

    /// State of a migration; `target:<id>` on the new half of one.
    pub fn migration_status(&self) -> Option<&str> {
        self.text("migration_status")
    }

    /// Owner.
    pub fn project_id(&self) -> Option<&str> {
        self.text("project_id")
    }

    /// User who created it.
    pub fn user_id(&self) -> Option<&str> {
        self.text("user_id")
    }

    /// Whether quota, notifications and capacity counters see it; true if not loaded.
    pub fn use_quota(&self) -> bool {
        self.flag("use_quota").unwrap_or(true)
    }

    /// Name the user gave.
    pub fn display_name(&self) -> Option<&str> {
        self.text("display_name")
    }

    /// Availability zone.
    pub fn availability_zone(&self) -> Option<&str> {
        self.text("availability_zone")
    }

    /// Snapshot it is made from.
    pub fn snapshot_id(&self) -> Option<&str> {
        self.text("snapshot_id")
    }

    /// Volume it is cloned from.
    pub fn source_volid(&self) -> Option<&str> {
        self.text("source_volid")
    }

    /// Generic group it belongs to.
    pub fn group_id(&self) -> Option<&str> {
        self.text("group_id")
    }

    /// Encryption key in the key manager.
    pub fn encryption_key_id(&self) -> Option<&str> {
        self.text("encryption_key_id")
    }

    /// Volume type.
    pub fn volume_type_id(&self) -> Option<&str> {
        self.text("volume_type_id")
    }

    /// The volume type itself, if it was loaded.
    pub fn volume_type(&self) -> Option<VolumeType> {
        self.object("volume_type")
    }

    /// The attachments, if they were loaded.
    pub fn volume_attachment(&self) -> Option<VolumeAttachmentList> {
        self.object("volume_attachment")
    }

    /// The snapshots, if they were loaded.
    pub fn snapshots(&self) -> Option<Vec<Snapshot>> {
        let list: super::snapshot::SnapshotList = self.object("snapshots")?;
        Some(list.objects("objects"))
    }

    /// User's metadata, if it was loaded.
    pub fn metadata(&self) -> Option<BTreeMap<String, String>> {
        self.strings("metadata")
    }

    /// Administrator's metadata, if it was loaded.
    pub fn admin_metadata(&self) -> Option<BTreeMap<String, String>> {
        self.strings("admin_metadata")
    }

    /// Whether several instances may attach it.
    pub fn multiattach(&self) -> bool {
        self.flag("multiattach").unwrap_or(false)
    }

    /// When the row was made.
    pub fn created_at(&self) -> Option<NaiveDateTime> {
        self.time("created_at")
    }

    /// When the row was last changed.
    pub fn updated_at(&self) -> Option<NaiveDateTime> {
        self.time("updated_at")
    }
}
