//! One file a table; only the columns this program touches.
#![allow(unreachable_pub)] // sea-orm's derives write `pub`

pub(crate) mod alembic_version;
pub(crate) mod backups;
pub(crate) mod encryption;
pub(crate) mod groups;
pub(crate) mod messages;
pub(crate) mod quality_of_service_specs;
pub(crate) mod quota_classes;
pub(crate) mod quota_usages;
pub(crate) mod quotas;
pub(crate) mod reservations;
pub(crate) mod services;
pub(crate) mod snapshot_metadata;
pub(crate) mod snapshots;
pub(crate) mod transfers;
pub(crate) mod volume_admin_metadata;
pub(crate) mod volume_attachment;
pub(crate) mod volume_glance_metadata;
pub(crate) mod volume_metadata;
pub(crate) mod volume_type_extra_specs;
pub(crate) mod volume_types;
pub(crate) mod volumes;
pub(crate) mod workers;
