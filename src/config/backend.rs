//! A backend section of `enabled_backends`.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::DataPathOptions;

/// Which XtremIO driver class the section names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// `XtremIOISCSIDriver`
    Iscsi,
    /// `XtremIOFCDriver` (old name `XtremIOFibreChannelDriver`)
    FibreChannel,
}

/// `max_over_subscription_ratio`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OverSubscription {
    /// `auto`
    Auto,
    /// A ratio of at least 1.
    Ratio(f64),
}

/// `disk_geometry`: sizes of the blocks that hosts are told (28 and later).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskGeometry {
    /// `512`
    Native512,
    /// `512e`
    Emulated512,
    /// `4k`
    Native4k,
}

impl DiskGeometry {
    /// Physical and logical block size, bytes, as Nova wants to be told.
    pub fn block_sizes(self) -> (&'static str, &'static str) {
        match self {
            Self::Native512 => ("512", "512"),
            Self::Emulated512 => ("4096", "512"),
            Self::Native4k => ("4096", "4096"),
        }
    }
}

/// Options of one backend section.
#[derive(Debug, Clone)]
pub struct BackendOptions {
    /// Section name, e.g. `xtremio1`.
    pub name: String,
    /// iSCSI or FC, from `volume_driver`.
    pub protocol: Protocol,
    /// `backend_host`, else `[DEFAULT] host`, then `@` and the section: `ctl1@xtremio1`.
    pub host: String,
    /// `volume_backend_name` (default: none; backend and pool then bear the Python driver's
    /// name, `XtremIO_ISCSI` or `XtremIO`).
    pub volume_backend_name: Option<String>,
    /// `backend_availability_zone`, else `storage_availability_zone`.
    pub availability_zone: String,
    /// `san_ip`: address of the XMS, may hold `:PORT`.
    pub san_ip: String,
    /// `san_api_port`: port of the XMS when `san_ip` has none (default 443).
    pub san_api_port: u16,
    /// `san_login` (default `admin`).
    pub san_login: String,
    /// `san_password`.
    pub san_password: SecretString,
    /// `xtremio_cluster_name`; `None` when empty.
    pub cluster_name: Option<String>,
    /// `xtremio_array_busy_retry_count` (default 5): tries while the array is busy.
    pub busy_retry_count: u32,
    /// `xtremio_array_busy_retry_interval` (default 5 s): pause between them.
    pub busy_retry_interval: Duration,
    /// `xtremio_volumes_per_glance_cache` (default 100).
    pub volumes_per_glance_cache: u32,
    /// `xtremio_clean_unused_ig` (default false).
    pub clean_unused_ig: bool,
    /// `xtremio_ports`: allowed iSCSI portals / FC ports; empty allows all.
    pub ports: Vec<String>,
    /// `driver_ssl_cert_verify` (default false).
    pub ssl_verify: bool,
    /// `driver_ssl_cert_path`: CA file or directory.
    pub ssl_ca: Option<PathBuf>,
    /// `max_over_subscription_ratio` (default 20.0).
    pub max_over_subscription_ratio: OverSubscription,
    /// `reserved_percentage` (default 0).
    pub reserved_percentage: u8,
    /// `san_thin_provision` (default true).
    pub thin_provision: bool,
    /// `use_chap_auth` (default false): kept for connection data.
    pub use_chap_auth: bool,
    /// `extra_capabilities`: JSON object merged into the stats.
    pub extra_capabilities: serde_json::Map<String, serde_json::Value>,
    /// `filter_function`.
    pub filter_function: Option<String>,
    /// `goodness_function`.
    pub goodness_function: Option<String>,
    /// `report_discard_supported` (default false).
    pub report_discard_supported: bool,
    /// `disk_geometry` (default: nothing is said of blocks).
    pub disk_geometry: Option<DiskGeometry>,
    /// `volume_copy_bps_limit` (default 0, no limit): bytes a second of one copy; 0 in the section
    /// takes the value of `[DEFAULT]`.
    pub volume_copy_bps_limit: u64,
    /// `image_copy_stall_timeout` (ours, default 300 s): a copy that moved no bytes for so long is
    /// killed. Above the time that a fail-over of array or network may take.
    pub image_copy_stall_timeout: Duration,
    /// How image bytes reach its volumes.
    pub data_path: DataPathOptions,
    /// `xms_call_timeout` (ours, default 30 s): deadline of one XMS call.
    pub xms_call_timeout: Duration,
    /// `xms_concurrency` (ours, default 32): XMS calls in flight at once.
    pub xms_concurrency: usize,
}
