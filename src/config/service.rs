//! `[DEFAULT]`: the service as a whole.

use std::path::PathBuf;
use std::time::Duration;

/// Options of `[DEFAULT]` that concern the whole service.
#[derive(Debug, Clone)]
pub struct ServiceOptions {
    /// `host`: default the machine's host name.
    pub host: String,
    /// `cluster`: stripped; `None` when empty.
    pub cluster: Option<String>,
    /// `report_interval` (default 10 s): between two heartbeats.
    pub report_interval: Duration,
    /// `service_down_time` (default 60 s): raised to 2.5 x `report_interval` when not above it.
    pub service_down_time: Duration,
    /// `periodic_interval` (default 60 s).
    pub periodic_interval: Duration,
    /// `backend_stats_polling_interval` (default 60 s, minimum 3): between two capability reports.
    pub stats_polling_interval: Duration,
    /// `storage_availability_zone` (default `nova`).
    pub storage_availability_zone: String,
    /// `enable_new_services` (default true): a new service row starts enabled.
    pub enable_new_services: bool,
    /// `state_path` (default `/var/lib/cinder`).
    pub state_path: PathBuf,
    /// `graceful_shutdown_timeout` (default 60 s; 0 waits without end).
    pub graceful_shutdown_timeout: Duration,
    /// `executor_thread_pool_size` (default 64; old name `rpc_thread_pool_size`): execution slots.
    pub executor_slots: usize,
    /// `rpc_response_timeout` (default 60 s).
    pub rpc_response_timeout: Duration,
    /// `rpc_ping_enabled` (default false).
    pub rpc_ping_enabled: bool,
    /// `no_snapshot_gb_quota` (default false): snapshots take no gigabytes quota.
    pub no_snapshot_gb_quota: bool,
    /// `reservation_expire` (default 86400 s).
    pub reservation_expire: Duration,
    /// `quota_volumes` (default 10), used when no row sets the limit.
    pub quota_volumes: i64,
    /// `quota_gigabytes` (default 1000).
    pub quota_gigabytes: i64,
    /// `quota_snapshots` (default 10).
    pub quota_snapshots: i64,
    /// `message_ttl` (default 2592000 s): life of a user message.
    pub message_ttl: Duration,
    /// `volume_name_template` (default `volume-%s`).
    pub volume_name_template: String,
    /// `cinder_release` (ours): the Cinder release whose version strings the service row carries.
    pub cinder_release: Option<u8>,
    /// `wait_for_stranger` (ours, default false): instead of refusing to start beside another
    /// consumer of our host's queues, wait until it has gone.
    pub wait_for_stranger: bool,
}
