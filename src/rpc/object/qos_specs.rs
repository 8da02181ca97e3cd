//! `QualityOfServiceSpecs`.

use serde_json::{Map, Value};

use super::{Field, Kind, Versioned, versioned};

const FIELDS: &[Field] = &[
    Field::key("id", Kind::Uuid),
    Field::req("name", Kind::Text),
    Field::req("consumer", Kind::Enum(&["back-end", "front-end", "both"])),
    Field::opt("specs", Kind::NullableStrings),
    Field::opt(
        "volume_types",
        Kind::Object(super::volume_type::VolumeTypeList::spec),
    ),
    Field::opt("created_at", Kind::Time),
    Field::opt("updated_at", Kind::Time),
    Field::opt("deleted_at", Kind::Time),
    Field::opt("deleted", Kind::Bool),
];

versioned! {
    /// Quality-of-service specs of volume types.
    QualityOfServiceSpecs (1, 0), FIELDS
}

impl QualityOfServiceSpecs {
    /// Id of the specs.
    pub fn id(&self) -> &str {
        self.text("id").unwrap_or_default()
    }

    /// Who enforces them: `back-end`, `front-end` or `both`.
    pub fn consumer(&self) -> Option<&str> {
        self.text("consumer")
    }

    /// The specs as they came, nulls included.
    pub fn specs(&self) -> Option<&Map<String, Value>> {
        self.value("specs")?.as_object()
    }
}
