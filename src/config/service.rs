//! `[DEFAULT]`: the service as a whole.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::option::Opt;
use super::reader::Reader;

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
    /// `snapshot_name_template` (default `snapshot-%s`).
    pub snapshot_name_template: String,
    /// `cinder_release` (ours): the Cinder release whose version strings the service row carries.
    pub cinder_release: Option<u8>,
    /// `wait_for_stranger` (ours, default false): instead of refusing to start beside another
    /// consumer of our host's queues, wait until it has gone.
    pub wait_for_stranger: bool,
    /// `lost_command_grace` (ours, default 1800 s): how long a row may stand in an in-progress
    /// state with neither message nor worker row before it is ended visibly. Longer than a
    /// scheduler may be away with the command in its queue.
    pub lost_command_grace: Duration,
    /// `metrics_listen` (ours, default off): where Prometheus finds `/metrics`.
    pub metrics_listen: Option<SocketAddr>,
    /// `backup_use_same_host` (default false): a backup is restored by the host that made it.
    pub backup_use_same_host: bool,
}

/// Reads the options of the service as a whole.
pub(super) fn read(r: &mut Reader<'_>) -> ServiceOptions {
    const UNLIMITED: std::ops::RangeInclusive<i64> = -1..=i64::MAX;
    let opt = Opt::default;
    let host = r
        .filled(&opt("host"))
        .map(|(host, _)| host.trim().to_owned());
    let cluster = r.filled(&opt("cluster"));
    if let Some((_, origin)) = &cluster {
        let allowed = "unset, as for the Python driver, which refuses to start with it";
        r.fault(
            &opt("cluster"),
            Some(origin),
            "clusters are not supported",
            allowed,
        );
    }
    let cluster = cluster.map(|(name, _)| name.trim().to_owned());
    let report_interval = r.seconds(&opt("report_interval"), 10, 1);
    let mut service_down_time = r.seconds(&opt("service_down_time"), 60, 1);
    // Cinder's own correction: a service must not look down between two reports.
    if service_down_time <= report_interval {
        service_down_time = report_interval.mul_f64(2.5);
        r.warn(format!(
            "[DEFAULT] service_down_time must be above report_interval ({} s): {} s is used",
            report_interval.as_secs(),
            service_down_time.as_secs()
        ));
    }
    let slots = opt("executor_thread_pool_size").old(&[("DEFAULT", "rpc_thread_pool_size")]);
    let release = opt("cinder_release");
    let state_path = r.filled(&opt("state_path")).map(|(path, _)| path);
    ServiceOptions {
        host: host.unwrap_or_else(super::machine::host_name),
        cluster,
        report_interval,
        service_down_time,
        periodic_interval: r.seconds(&opt("periodic_interval"), 60, 1),
        stats_polling_interval: r.seconds(&opt("backend_stats_polling_interval"), 60, 3),
        storage_availability_zone: r.text_or(&opt("storage_availability_zone"), "nova"),
        enable_new_services: r.boolean(&opt("enable_new_services"), true),
        state_path: PathBuf::from(state_path.unwrap_or_else(|| "/var/lib/cinder".to_owned())),
        graceful_shutdown_timeout: r.seconds(&opt("graceful_shutdown_timeout"), 60, 0),
        executor_slots: r.number(&slots, 64, 1..=100_000),
        rpc_response_timeout: r.seconds(&opt("rpc_response_timeout"), 60, 1),
        rpc_ping_enabled: r.boolean(&opt("rpc_ping_enabled"), false),
        no_snapshot_gb_quota: r.boolean(&opt("no_snapshot_gb_quota"), false),
        reservation_expire: r.seconds(&opt("reservation_expire"), 86_400, 1),
        quota_volumes: r.integer(&opt("quota_volumes"), 10, UNLIMITED),
        quota_gigabytes: r.integer(&opt("quota_gigabytes"), 1000, UNLIMITED),
        quota_snapshots: r.integer(&opt("quota_snapshots"), 10, UNLIMITED),
        message_ttl: r.seconds(&opt("message_ttl"), 2_592_000, 0),
        volume_name_template: name_template(r, "volume_name_template", "volume-%s"),
        snapshot_name_template: name_template(r, "snapshot_name_template", "snapshot-%s"),
        cinder_release: r.filled(&release).map(|_| r.number(&release, 21, 21..=29)),
        wait_for_stranger: r.boolean(&opt("wait_for_stranger"), false),
        lost_command_grace: r.seconds(&opt("lost_command_grace"), 1800, 1),
        metrics_listen: address(r, "metrics_listen"),
        backup_use_same_host: r.boolean(&opt("backup_use_same_host"), false),
    }
}

/// An address of this machine and a port, `None` when not set.
fn address(r: &mut Reader<'_>, name: &str) -> Option<SocketAddr> {
    let opt = Opt::default(name);
    let (text, origin) = r.filled(&opt)?;
    let address = text.trim().parse().ok();
    if address.is_none() {
        let problem = format!("{text:?} is not allowed");
        let allowed = "ADDRESS:PORT, such as 127.0.0.1:9745 or [::]:9745";
        r.fault(&opt, Some(&origin), problem, allowed);
    }
    address
}

/// The template must hold the id exactly once, or two objects would share a name.
fn name_template(r: &mut Reader<'_>, name: &str, default: &str) -> String {
    let opt = Opt::default(name);
    let Some((text, origin)) = r.text(&opt) else {
        return default.to_owned();
    };
    if text.matches("%s").count() != 1 || text.matches('%').count() != 1 {
        let problem = format!("{text:?} is not allowed");
        r.fault(
            &opt,
            Some(&origin),
            problem,
            "a text with %s exactly once and no other %",
        );
        return default.to_owned();
    }
    text
}
