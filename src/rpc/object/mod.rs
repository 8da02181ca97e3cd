//! Cinder's versioned objects: read tolerantly, written exactly.
//!
//! An object keeps the fields it came with, as they came: a field that was never loaded is
//! absent, which differs from null, and an object that is passed on is passed on unchanged.
//! The typed structs ([`Volume`], [`Snapshot`], ...) wrap [`Object`] with named accessors;
//! those return `None` for absent and for null, [`Object::has`] tells the two apart.

mod backup;
mod cleanup_request;
mod decode;
mod group;
mod group_snapshot;
mod known;
mod log_level;
mod manageable;
mod qos_specs;
mod request_spec;
mod schema;
mod service;
mod snapshot;
mod spec;
mod volume;
mod volume_attachment;
mod volume_properties;
mod volume_type;

pub use backup::{Backup, BackupDeviceInfo};
pub use cleanup_request::CleanupRequest;
pub use decode::check_all;
pub use group::Group;
pub use group_snapshot::{GroupSnapshot, GroupSnapshotList};
pub use log_level::{LogLevel, LogLevelList};
pub use manageable::{ManageableSnapshot, ManageableVolume};
pub use qos_specs::QualityOfServiceSpecs;
pub use request_spec::RequestSpec;
pub use service::Service;
pub use snapshot::{Snapshot, SnapshotList};
pub use spec::{Field, Kind, Spec};
pub use volume::{Volume, VolumeList};
pub use volume_attachment::{VolumeAttachment, VolumeAttachmentList};
pub use volume_properties::VolumeProperties;
pub use volume_type::{VolumeType, VolumeTypeList};

use std::collections::BTreeMap;
use std::fmt;

use chrono::NaiveDateTime;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::failure::Failure;
use super::time;

/// Every key of an object's envelope starts with this.
pub(crate) const PREFIX: &str = "versioned_object.";
/// Cinder's object namespace.
pub(crate) const NAMESPACE: &str = "cinder";

/// A struct that wraps one kind of versioned object.
pub trait Versioned: Sized {
    /// Name, version and fields of the kind.
    fn spec() -> &'static Spec;

    /// Wraps an object of that kind.
    fn from_object(object: Object) -> Self;

    /// The object wrapped.
    fn into_object(self) -> Object;
}

/// One versioned object of any kind.
#[derive(Clone, PartialEq)]
pub struct Object {
    pub(crate) spec: &'static Spec,
    pub(crate) version: String,
    pub(crate) data: Map<String, Value>,
    pub(crate) changes: Vec<String>,
}

impl Object {
    /// An object with no field loaded, of the version we write.
    pub fn new(spec: &'static Spec) -> Self {
        Self {
            spec,
            version: spec.version.to_string(),
            data: Map::new(),
            changes: Vec::new(),
        }
    }

    /// Name of the kind, e.g. `Volume`.
    pub fn name(&self) -> &'static str {
        self.spec.name
    }

    /// Version the sender wrote it in.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Names of the fields that the sender changed and did not save.
    pub fn changes(&self) -> &[String] {
        &self.changes
    }

    /// Whether the field was loaded, be it null.
    pub fn has(&self, field: &str) -> bool {
        self.data.contains_key(field)
    }

    /// The field's value; `None` if absent or null.
    pub fn value(&self, field: &str) -> Option<&Value> {
        self.data.get(field).filter(|value| !value.is_null())
    }

    /// A string field.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.value(field)?.as_str()
    }

    /// A number field.
    pub fn int(&self, field: &str) -> Option<i64> {
        self.value(field)?.as_i64()
    }

    /// A boolean field.
    pub fn flag(&self, field: &str) -> Option<bool> {
        self.value(field)?.as_bool()
    }

    /// A date field, UTC.
    pub fn time(&self, field: &str) -> Option<NaiveDateTime> {
        time::parse(self.text(field)?)
    }

    /// A field that is a dictionary of strings; entries that are null are left out.
    pub fn strings(&self, field: &str) -> Option<BTreeMap<String, String>> {
        let map = self.value(field)?.as_object()?.iter();
        Some(
            map.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
                .collect(),
        )
    }

    /// A field that is a list of strings.
    pub fn list(&self, field: &str) -> Option<Vec<&str>> {
        let list = self.value(field)?.as_array()?;
        Some(list.iter().filter_map(Value::as_str).collect())
    }

    /// A field that is an object.
    pub fn object<T: Versioned>(&self, field: &str) -> Option<T> {
        decode::decode(self.value(field)?.clone(), Some(T::spec()))
            .ok()
            .map(T::from_object)
    }

    /// The elements of a list object's field `objects`, or of another list of objects.
    pub fn objects<T: Versioned>(&self, field: &str) -> Vec<T> {
        let list = self.value(field).and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(|item| decode::decode(item.clone(), Some(T::spec())).ok())
            .map(T::from_object)
            .collect()
    }

    /// Sets a field, in the form it has on the wire.
    ///
    /// # Errors
    ///
    /// `ValueError` and the like if the field cannot hold the value.
    pub fn set(&mut self, field: &str, value: impl Into<Value>) -> Result<(), Failure> {
        let value = match self.spec.field(field) {
            Some(known) => decode::coerce(known, value.into())?,
            None => value.into(),
        };
        self.data.insert(field.to_owned(), value);
        Ok(())
    }

    /// Drops a field, as if it had never been loaded.
    pub fn unload(&mut self, field: &str) {
        self.data.remove(field);
        self.changes.retain(|changed| changed != field);
    }

    /// Forgets which fields were changed, as saving does.
    pub fn clear_changes(&mut self) {
        self.changes.clear();
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("versioned_object.name", self.spec.name)?;
        map.serialize_entry("versioned_object.namespace", NAMESPACE)?;
        map.serialize_entry("versioned_object.version", &self.version)?;
        map.serialize_entry("versioned_object.data", &self.data)?;
        if !self.changes.is_empty() {
            map.serialize_entry("versioned_object.changes", &self.changes)?;
        }
        map.end()
    }
}

impl fmt::Debug for Object {
    /// Fields such as `provider_auth` and `connection_info` hold credentials: only names of
    /// fields are shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(self.spec.name)
            .field("id", &self.text("id"))
            .field("version", &self.version)
            .field("fields", &self.data.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// Declares the struct of one kind of object around its [`Spec`].
macro_rules! versioned {
    ($(#[$meta:meta])* $name:ident $version:tt, $fields:expr) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(crate::rpc::object::Object);

        impl $name {
            const SPEC: crate::rpc::object::Spec = crate::rpc::object::Spec::new(
                stringify!($name),
                $version,
                |generator| generator.subschema_for::<$name>(),
                $fields,
            );

            /// An object with these fields loaded, each value in the form it has on the wire.
            ///
            /// # Errors
            ///
            /// As [`Object::set`](crate::rpc::object::Object::set).
            pub fn from_fields<'a>(
                fields: impl IntoIterator<Item = (&'a str, serde_json::Value)>,
            ) -> Result<Self, crate::rpc::failure::Failure> {
                let mut object = crate::rpc::object::Object::new(
                    <Self as crate::rpc::object::Versioned>::spec(),
                );
                for (name, value) in fields {
                    object.set(name, value)?;
                }
                Ok(Self(object))
            }
        }

        impl crate::rpc::object::Versioned for $name {
            fn spec() -> &'static crate::rpc::object::Spec {
                static SPEC: crate::rpc::object::Spec = $name::SPEC;
                &SPEC
            }

            fn from_object(object: crate::rpc::object::Object) -> Self {
                Self(object)
            }

            fn into_object(self) -> crate::rpc::object::Object {
                self.0
            }
        }

        impl std::ops::Deref for $name {
            type Target = crate::rpc::object::Object;

            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }

        impl std::ops::DerefMut for $name {
            fn deref_mut(&mut self) -> &mut Self::Target {
                &mut self.0
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let spec = <Self as crate::rpc::object::Versioned>::spec();
                crate::rpc::object::decode::from_serde(deserializer, spec).map(Self)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let spec = <Self as crate::rpc::object::Versioned>::spec();
                crate::rpc::object::schema::of(spec, generator)
            }
        }
    };
}
pub(crate) use versioned;
