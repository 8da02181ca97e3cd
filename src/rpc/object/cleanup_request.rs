//! `CleanupRequest`: which interrupted work to finish or undo.

use chrono::NaiveDateTime;

use super::{Field, Kind, versioned};

const FIELDS: &[Field] = &[
    Field::opt("service_id", Kind::Int),
    Field::opt("cluster_name", Kind::Text),
    Field::opt("host", Kind::Text),
    Field::opt("binary", Kind::Text),
    Field::opt("is_up", Kind::Bool),
    Field::opt("disabled", Kind::Bool),
    Field::opt("resource_id", Kind::Uuid),
    Field::opt("resource_type", Kind::Text),
    Field::opt("until", Kind::Time),
];

versioned! {
    /// Selects rows of `workers`.
    CleanupRequest (1, 0), FIELDS
}

impl CleanupRequest {
    /// Service whose work it is.
    pub fn service_id(&self) -> Option<i64> {
        self.int("service_id")
    }

    /// Only this resource.
    pub fn resource_id(&self) -> Option<&str> {
        self.text("resource_id")
    }

    /// Only `Volume` or `Snapshot`.
    pub fn resource_type(&self) -> Option<&str> {
        self.text("resource_type")
    }

    /// Only what was begun before, UTC.
    pub fn until(&self) -> Option<NaiveDateTime> {
        self.time("until")
    }
}
