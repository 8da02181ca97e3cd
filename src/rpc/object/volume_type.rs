//! `VolumeType` and lists of it.

use serde_json::{Map, Value};

use super::{Field, Kind, QualityOfServiceSpecs, Versioned, versioned};

const FIELDS: &[Field] = &[
    Field::key("id", Kind::Uuid),
    Field::opt("name", Kind::Text),
    Field::opt("description", Kind::Text),
    Field::opt("is_public", Kind::Bool),
    Field::opt("projects", Kind::List),
    Field::opt("extra_specs", Kind::NullableStrings),
    Field::opt("qos_specs_id", Kind::Uuid),
    Field::opt("qos_specs", Kind::Object(QualityOfServiceSpecs::spec)),
    Field::opt("created_at", Kind::Time),
    Field::opt("updated_at", Kind::Time),
    Field::opt("deleted_at", Kind::Time),
    Field::opt("deleted", Kind::Bool),
];

versioned! {
    /// A volume type.
    VolumeType (1, 3), FIELDS
}

versioned! {
    /// Volume types, e.g. those of a group.
    VolumeTypeList (1, 1), &[Field::req("objects", Kind::Objects(VolumeType::spec))]
}

impl VolumeType {
    /// Id of the type.
    pub fn id(&self) -> &str {
        self.text("id").unwrap_or_default()
    }

    /// Name; part of the names of type-scoped quotas.
    pub fn name(&self) -> Option<&str> {
        self.text("name")
    }

    /// Extra specs as they came, nulls included; `None` if they were not loaded.
    pub fn extra_specs(&self) -> Option<&Map<String, Value>> {
        self.value("extra_specs")?.as_object()
    }

    /// QoS specs it refers to.
    pub fn qos_specs_id(&self) -> Option<&str> {
        self.text("qos_specs_id")
    }
}
