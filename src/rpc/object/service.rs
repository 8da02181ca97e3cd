//! `Service`: a row of `services`.

use super::known::{cluster, passed_on_field};
use super::spec::REPLICATION_STATUS;
use super::{Field, Kind, versioned};

const FIELDS: &[Field] = &[
    Field::key("id", Kind::Int),
    Field::opt("host", Kind::Text),
    Field::opt("binary", Kind::Text),
    Field::opt("cluster_name", Kind::Text),
    passed_on_field("cluster", cluster),
    Field::opt("topic", Kind::Text),
    Field::req("report_count", Kind::Int),
    Field::opt("disabled", Kind::Bool),
    Field::opt("availability_zone", Kind::Text),
    Field::opt("disabled_reason", Kind::Text),
    Field::opt("modified_at", Kind::Time),
    Field::opt("rpc_current_version", Kind::Text),
    Field::opt("object_current_version", Kind::Text),
    Field::opt("replication_status", REPLICATION_STATUS),
    Field::req("frozen", Kind::Bool),
    Field::opt("active_backend_id", Kind::Text),
    Field::req("uuid", Kind::Text),
    Field::opt("created_at", Kind::Time),
    Field::opt("updated_at", Kind::Time),
    Field::opt("deleted_at", Kind::Time),
    Field::opt("deleted", Kind::Bool),
];

versioned! {
    /// A Cinder service.
    Service (1, 6), FIELDS
}

impl Service {
    /// Id of the row.
    pub fn id(&self) -> Option<i64> {
        self.int("id")
    }

    /// `host@backend`.
    pub fn host(&self) -> Option<&str> {
        self.text("host")
    }
}
