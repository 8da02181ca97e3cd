//! `ManageableVolume` and `ManageableSnapshot`: array objects Cinder could take over.

use super::{Field, Kind, versioned};

versioned! {
    /// A volume on the array.
    ManageableVolume (1, 0), &[
        Field::req("reference", Kind::Any),
        Field::opt("size", Kind::Int),
        Field::opt("safe_to_manage", Kind::Bool),
        Field::opt("reason_not_safe", Kind::Text),
        Field::opt("cinder_id", Kind::Uuid),
        Field::opt("extra_info", Kind::Any),
    ]
}

versioned! {
    /// A snapshot on the array.
    ManageableSnapshot (1, 0), &[
        Field::req("reference", Kind::Any),
        Field::req("source_reference", Kind::Any),
        Field::opt("size", Kind::Int),
        Field::opt("safe_to_manage", Kind::Bool),
        Field::opt("reason_not_safe", Kind::Text),
        Field::opt("cinder_id", Kind::Uuid),
        Field::opt("extra_info", Kind::Any),
    ]
}
