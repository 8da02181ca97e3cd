//! What a Fibre Channel backend has of its own.

/// `storage_protocol` in capability reports.
pub(super) const STORAGE_PROTOCOL: &str = "FC";

/// Backend and pool name when `volume_backend_name` is not set: the Python driver's.
pub(super) const DEFAULT_BACKEND_NAME: &str = "XtremIO";
