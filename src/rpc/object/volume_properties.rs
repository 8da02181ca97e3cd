//! `VolumeProperties`: the volume inside a [`RequestSpec`](super::RequestSpec).

use super::{Field, Kind, versioned};

const FIELDS: &[Field] = &[
    Field::opt("attach_status", Kind::Text),
    Field::opt("availability_zone", Kind::Text),
    Field::opt("cgsnapshot_id", Kind::Uuid),
    Field::opt("consistencygroup_id", Kind::Uuid),
    Field::opt("group_id", Kind::Uuid),
    Field::opt("display_description", Kind::Text),
    Field::opt("display_name", Kind::Text),
    Field::opt("encryption_key_id", Kind::Uuid),
    Field::opt("metadata", Kind::Strings),
    Field::opt("multiattach", Kind::Bool),
    Field::opt("project_id", Kind::Text),
    Field::opt("qos_specs", Kind::Strings),
    Field::opt("replication_status", Kind::Text),
    Field::opt("reservations", Kind::List),
    Field::opt("size", Kind::Int),
    Field::opt("snapshot_id", Kind::Uuid),
    Field::opt("source_replicaid", Kind::Uuid),
    Field::opt("source_volid", Kind::Uuid),
    Field::opt("status", Kind::Text),
    Field::opt("user_id", Kind::Text),
    Field::opt("volume_type_id", Kind::Uuid),
    Field::opt("group_type_id", Kind::Uuid),
];

versioned! {
    /// What the scheduler knows of a volume to be placed.
    VolumeProperties (1, 1), FIELDS
}
