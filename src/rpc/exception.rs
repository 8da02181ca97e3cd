//! The classes of `cinder.exception` a volume host sends, with their codes and texts.
//!
//! Class, code and text are part of the wire contract: clients match on the class and show
//! the text to users.

use std::fmt;

use serde_json::{Map, Value};

use super::failure::{CINDER, Failure};

macro_rules! exceptions {
    ($( $class:ident $code:literal $text:literal { $($field:ident),* } )*) => {
        /// An exception of `cinder.exception`; the fields fill in its text.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        #[allow(missing_docs)] // the classes and fields are Cinder's, the texts explain them
        pub enum CinderException {
            $( $class { $($field: String),* }, )*
        }

        impl CinderException {
            /// Name of the class.
            pub fn class(&self) -> &'static str {
                match self { $( Self::$class { .. } => stringify!($class), )* }
            }

            /// HTTP code of the class.
            pub fn code(&self) -> u16 {
                match self { $( Self::$class { .. } => $code, )* }
            }

            /// Every class with its HTTP code.
            pub const CLASSES: &'static [(&'static str, u16)] = &[
                $( (stringify!($class), $code), )*
            ];

            /// One exception of every class, each field filled with `7`: what tests compare
            /// with Python's own.
            pub fn samples() -> Vec<Self> {
                vec![$( Self::$class { $($field: "7".to_owned()),* }, )*]
            }

            fn fields(&self) -> Vec<(&'static str, &str)> {
                match self {
                    $( Self::$class { $($field),* } =>
                        vec![$( (stringify!($field), $field.as_str()) ),*], )*
                }
            }
        }

        impl fmt::Display for CinderException {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $( Self::$class { $($field),* } => write!(f, $text, $($field = $field),*), )*
                }
            }
        }
    };
}

exceptions! {
    CinderException 500 "{text}" { text }
    VolumeBackendAPIException 500
        "Bad or unexpected response from the storage volume backend API: {data}" { data }
    VolumeDriverException 500 "Volume driver reported an error: {message}" { message }
    InvalidConnectorException 500 "Connector doesn't have required information: {missing}" { missing }
    RemoveExportException 500 "Failed to remove export for volume {volume}: {reason}" { volume, reason }
    DriverNotInitialized 500 "Volume driver not ready." {}
    VolumeNotFound 404 "Volume {volume_id} could not be found." { volume_id }
    SnapshotNotFound 404 "Snapshot {snapshot_id} could not be found." { snapshot_id }
    VolumeAttachmentNotFound 404
        "Volume attachment could not be found with filter: {filter}." { filter }
    VolumeTypeNotFound 404 "Volume type {volume_type_id} could not be found." { volume_type_id }
    GroupNotFound 404 "Group {group_id} could not be found." { group_id }
    GroupSnapshotNotFound 404 "GroupSnapshot {group_snapshot_id} could not be found." { group_snapshot_id }
    GlanceMetadataNotFound 404
        "Glance metadata for volume/snapshot {id} cannot be found." { id }
    ServiceNotFound 404 "Service {service_id} could not be found." { service_id }
    BackupNotFound 404 "Backup {backup_id} could not be found." { backup_id }
    ImageNotFound 404 "Image {image_id} could not be found." { image_id }
    Invalid 400 "{text}" { text }
    InvalidInput 400 "Invalid input received: {reason}" { reason }
    InvalidVolume 400 "Invalid volume: {reason}" { reason }
    InvalidSnapshot 400 "Invalid snapshot: {reason}" { reason }
    InvalidGroup 400 "Invalid Group: {reason}" { reason }
    InvalidReplicationTarget 400 "Invalid Replication Target: {reason}" { reason }
    InvalidVolumeAttachMode 400
        "Invalid attaching mode '{mode}' for volume {volume_id}." { mode, volume_id }
    InvalidUUID 400 "Expected a UUID but received {uuid}." { uuid }
    VolumeAttached 400 "Volume {volume_id} is still attached, detach volume first." { volume_id }
    ExportFailure 400 "Failed to export for volume: {reason}" { reason }
    MetadataCopyFailure 400 "Failed to copy metadata to volume: {reason}" { reason }
    MetadataUpdateFailure 400 "Failed to update metadata for volume: {reason}" { reason }
    ImageCopyFailure 400 "Failed to copy image to volume: {reason}" { reason }
    ImageUnacceptable 400 "Image {image_id} is unacceptable: {reason}" { image_id, reason }
    ImageTooBig 400
        "Image {image_id} size exceeded available disk space: {reason}" { image_id, reason }
    InvalidSignatureImage 400 "Signature metadata is incomplete for image: {image_id}." { image_id }
    ImageSignatureVerificationException 500
        "Failed to verify image signature, reason: {reason}." { reason }
    DeviceUnavailable 400 "The device in the path {path} is unavailable: {reason}" { path, reason }
    CleanableInUse 400
        "{type_} with id {id} is already being cleaned up or another host has taken over it." { type_, id }
    InvalidParameterValue 400 "{err}" { err }
    NotSupportedOperation 405 "Operation not supported: {operation}." { operation }
    ResourceConflict 409 "Resource conflict: {reason}" { reason }
    VolumeIsBusy 500 "deleting volume {volume_name} that has snapshot" { volume_name }
    SnapshotIsBusy 500
        "deleting snapshot {snapshot_name} that has dependent volumes" { snapshot_name }
    VolumeMigrationFailed 500 "Volume migration failed: {reason}" { reason }
    ManageExistingInvalidReference 500
        "Manage existing volume failed due to invalid backend reference {existing_ref}: {reason}" { existing_ref, reason }
    ManageExistingAlreadyManaged 500
        "Unable to manage existing volume. Volume {volume_ref} already managed." { volume_ref }
    ManageExistingVolumeTypeMismatch 500
        "Manage existing volume failed due to volume type mismatch: {reason}" { reason }
    ExtendVolumeError 500 "Error extending volume: {reason}" { reason }
    TargetUpdateFailed 500 "Failed to update target for volume {volume_id}." { volume_id }
    SnapshotLimitReached 500
        "Exceeded the configured limit of {set_limit} snapshots per volume." { set_limit }
    ReplicationError 500 "Volume {volume_id} replication error: {reason}" { volume_id, reason }
    ReplicationGroupError 500 "Group {group_id} replication error: {reason}." { group_id, reason }
    UnableToFailOver 500 "Unable to failover to replication target: {reason})." { reason }
    BadResetResourceStatus 500 "Bad reset resource status : {reason}" { reason }
    ImageConversionNotAllowed 500
        "Image Conversion disallowed for image {image_id}: {reason}" { image_id, reason }
    ISCSITargetAttachFailed 500 "Failed to attach iSCSI target for volume {volume_id}." { volume_id }
    ISCSITargetCreateFailed 500 "Failed to create iscsi target for volume {volume_id}." { volume_id }
    FCZoneDriverException 500 "Fibre Channel Zone operation failed: {reason}" { reason }
    ZoneManagerException 500 "Fibre Channel connection control failure: {reason}" { reason }
    FCSanLookupServiceException 500 "Fibre Channel SAN Lookup failure: {reason}" { reason }
    OverQuota 500 "Quota exceeded for resources: {overs}" { overs }
    VolumeSizeExceedsAvailableQuota 413
        "Requested volume or snapshot exceeds allowed {name} quota. Requested {requested}G, quota is {quota}G and {consumed}G has been consumed." { name, requested, quota, consumed }
    VolumeLimitExceeded 413
        "Maximum number of volumes allowed ({allowed}) exceeded for quota '{name}'." { allowed, name }
    VolumeSizeExceedsLimit 413
        "Requested volume size {size}G is larger than maximum allowed limit {limit}G." { size, limit }
    SnapshotLimitExceeded 413 "Maximum number of snapshots allowed ({allowed}) exceeded" { allowed }
    ProgrammingError 500 "Programming error in Cinder: {reason}" { reason }
}

impl std::error::Error for CinderException {}

impl CinderException {
    /// The keyword arguments that Cinder keeps beside the text: the fields and the code.
    fn kwargs(&self) -> Map<String, Value> {
        let mut kwargs: Map<String, Value> = self
            .fields()
            .into_iter()
            // `message` would collide with the positional argument at the client, and
            // `text` is no keyword of the class at all.
            .filter(|(name, _)| !matches!(*name, "message" | "text"))
            .map(|(name, value)| (name.trim_end_matches('_').to_owned(), value.into()))
            .collect();
        kwargs.insert("code".to_owned(), self.code().into());
        kwargs
    }
}

impl From<CinderException> for Failure {
    fn from(exception: CinderException) -> Self {
        Failure::new(
            CINDER,
            exception.class(),
            exception.to_string(),
            exception.kwargs(),
        )
    }
}
