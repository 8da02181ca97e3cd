//! `VolumeAttachment` and lists of it.

use super::spec::ATTACH_STATUS;
use super::{Field, Kind, Versioned, Volume, versioned};

const FIELDS: &[Field] = &[
    Field::key("id", Kind::Uuid),
    Field::req("volume_id", Kind::Uuid),
    Field::opt("instance_uuid", Kind::Uuid),
    Field::opt("attached_host", Kind::Text),
    Field::opt("mountpoint", Kind::Text),
    Field::opt("attach_time", Kind::Time),
    Field::opt("detach_time", Kind::Time),
    Field::opt("attach_status", ATTACH_STATUS),
    Field::opt("attach_mode", Kind::Text),
    Field::req("volume", Kind::Object(Volume::spec)),
    Field::opt("connection_info", Kind::Any),
    Field::opt("connector", Kind::Any),
    Field::opt("created_at", Kind::Time),
    Field::opt("updated_at", Kind::Time),
    Field::opt("deleted_at", Kind::Time),
    Field::opt("deleted", Kind::Bool),
];

versioned! {
    /// An attachment of a volume to an instance or a host.
    VolumeAttachment (1, 3), FIELDS
}

versioned! {
    /// The attachments of a volume.
    VolumeAttachmentList (1, 1), &[Field::req("objects", Kind::Objects(VolumeAttachment::spec))]
}

impl VolumeAttachment {
    /// Id of the attachment.
    pub fn id(&self) -> &str {
        self.text("id").unwrap_or_default()
    }

    /// Volume attached.
    pub fn volume_id(&self) -> Option<&str> {
        self.text("volume_id")
    }

    /// Instance it is attached to.
    pub fn instance_uuid(&self) -> Option<&str> {
        self.text("instance_uuid")
    }

    /// Host it is attached to.
    pub fn attached_host(&self) -> Option<&str> {
        self.text("attached_host")
    }

    /// `attached`, `attaching`, `reserved`, ...
    pub fn attach_status(&self) -> Option<&str> {
        self.text("attach_status")
    }

    /// `rw`, `ro`, or the string `null` while unset.
    pub fn attach_mode(&self) -> Option<&str> {
        self.text("attach_mode")
    }
}

impl VolumeAttachmentList {
    /// The attachments.
    pub fn attachments(&self) -> Vec<VolumeAttachment> {
        self.objects("objects")
    }
}
