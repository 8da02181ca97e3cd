//! What a kind of object is made of.

use schemars::{Schema, SchemaGenerator};

use crate::rpc::version::Version;

/// Name, version and fields of a kind of object.
pub struct Spec {
    /// Name on the wire.
    pub name: &'static str,
    /// Newest version understood, and the one written.
    pub version: Version,
    /// The fields. Kinds that are only passed on list none.
    pub fields: &'static [Field],
    pub(crate) schema: fn(&mut SchemaGenerator) -> Schema,
}

impl PartialEq for Spec {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// One field of a kind of object.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Name on the wire.
    pub name: &'static str,
    /// Type.
    pub kind: Kind,
    /// Whether null is allowed.
    pub nullable: bool,
    /// Whether an object without it is of no use.
    pub key: bool,
}

/// Type of a field.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// String.
    Text,
    /// UUID as a string; Cinder warns about others and takes them.
    Uuid,
    /// Whole number.
    Int,
    /// Boolean.
    Bool,
    /// Boolean that is true if it is null.
    BoolOrTrue,
    /// UTC date, `2026-11-22T09:30:01Z`.
    Time,
    /// One of these strings.
    Enum(&'static [&'static str]),
    /// Dictionary of strings.
    Strings,
    /// Dictionary of strings, some of which may be null.
    NullableStrings,
    /// Dictionary of anything.
    Any,
    /// List of strings.
    List,
    /// Object of that kind.
    Object(fn() -> &'static Spec),
    /// List of objects of that kind.
    Objects(fn() -> &'static Spec),
}

impl Spec {
    /// A kind; `version` as `(major, minor)`.
    pub(crate) const fn new(
        name: &'static str,
        version: (u32, u32),
        schema: fn(&mut SchemaGenerator) -> Schema,
        fields: &'static [Field],
    ) -> Self {
        Self {
            name,
            version: Version::new(version.0, version.1),
            fields,
            schema,
        }
    }

    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

impl Field {
    /// A field that may be null.
    pub(crate) const fn opt(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            nullable: true,
            key: false,
        }
    }

    /// A field that is never null.
    pub(crate) const fn req(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            nullable: false,
            key: false,
        }
    }

    /// The field that names the object; every object has it.
    pub(crate) const fn key(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            nullable: false,
            key: true,
        }
    }
}

/// Values of `attach_status`.
pub(crate) const ATTACH_STATUS: Kind = Kind::Enum(&[
    "attached",
    "attaching",
    "detached",
    "error_attaching",
    "error_detaching",
    "reserved",
    "deleted",
]);

/// Values of `replication_status` of groups and services.
pub(crate) const REPLICATION_STATUS: Kind = Kind::Enum(&[
    "error",
    "enabled",
    "disabled",
    "not-capable",
    "failover-error",
    "failing-over",
    "failed-over",
    "enabling",
    "disabling",
]);
