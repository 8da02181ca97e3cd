//! `RequestSpec`: what the API asked the scheduler for. Passed back unchanged, but for the
//! volume id, when a create is rescheduled.

use super::{Field, Kind, Versioned, Volume, VolumeProperties, VolumeType, versioned};
use crate::rpc::failure::Failure;

const FIELDS: &[Field] = &[
    Field::opt("consistencygroup_id", Kind::Uuid),
    Field::opt("group_id", Kind::Uuid),
    Field::opt("cgsnapshot_id", Kind::Uuid),
    Field::opt("image_id", Kind::Uuid),
    Field::opt("snapshot_id", Kind::Uuid),
    Field::opt("source_replicaid", Kind::Uuid),
    Field::opt("source_volid", Kind::Uuid),
    Field::opt("volume_id", Kind::Uuid),
    Field::opt("volume", Kind::Object(Volume::spec)),
    Field::opt("volume_type", Kind::Object(VolumeType::spec)),
    Field::opt("volume_properties", Kind::Object(VolumeProperties::spec)),
    Field::opt("CG_backend", Kind::Text),
    Field::opt("group_backend", Kind::Text),
    Field::opt("resource_backend", Kind::Text),
    Field::opt("backup_id", Kind::Uuid),
    Field::opt("operation", Kind::Text),
    Field::opt("availability_zones", Kind::List),
];

versioned! {
    /// A request to the scheduler.
    RequestSpec (1, 5), FIELDS
}

impl RequestSpec {
    /// Volume to be made.
    pub fn volume_id(&self) -> Option<&str> {
        self.text("volume_id")
    }

    /// Image it is made from.
    pub fn image_id(&self) -> Option<&str> {
        self.text("image_id")
    }

    /// Snapshot it is made from.
    pub fn snapshot_id(&self) -> Option<&str> {
        self.text("snapshot_id")
    }

    /// Volume it is cloned from.
    pub fn source_volid(&self) -> Option<&str> {
        self.text("source_volid")
    }

    /// Backup it is made from.
    pub fn backup_id(&self) -> Option<&str> {
        self.text("backup_id")
    }

    /// The volume as the API made it, if it was loaded.
    pub fn volume(&self) -> Option<Volume> {
        self.object("volume")
    }

    /// Whether no field is loaded; such a request cannot be rescheduled.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// Names the volume the request is for.
    ///
    /// # Errors
    ///
    /// None in practice: every string is taken.
    pub fn set_volume_id(&mut self, id: &str) -> Result<(), Failure> {
        self.set("volume_id", id)
    }
}
