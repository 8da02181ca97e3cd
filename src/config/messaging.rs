//! `transport_url`, `control_exchange` and `[oslo_messaging_rabbit]`.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

/// One host of a transport URL. Credentials are not inherited from other hosts (oslo's rule).
#[derive(Debug, Clone)]
pub struct BrokerHost {
    /// Host name or address, IPv6 without brackets.
    pub host: String,
    /// Port, 5672 when the URL names none, also with TLS.
    pub port: u16,
    /// User name (default `guest`).
    pub user: String,
    /// Password (default `guest`).
    pub password: SecretString,
}

/// A parsed `transport_url`.
#[derive(Debug, Clone)]
pub struct TransportUrl {
    /// At least one host.
    pub hosts: Vec<BrokerHost>,
    /// Virtual host, `/` when the URL names none.
    pub vhost: String,
}

/// `kombu_failover_strategy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failover {
    /// `round-robin`
    RoundRobin,
    /// `shuffle`
    Shuffle,
}

/// TLS to the broker, when `ssl` is on.
#[derive(Debug, Clone)]
pub struct RabbitTls {
    /// `ssl_ca_file`; the system's trust store without it.
    pub ca_file: Option<PathBuf>,
    /// `ssl_cert_file`: PEM chain of the client certificate.
    pub cert_file: Option<PathBuf>,
    /// `ssl_key_file`: PEM key of the client certificate.
    pub key_file: Option<PathBuf>,
    /// `ssl_enforce_hostname_verification` (default true here).
    pub verify_hostname: bool,
}

/// Everything the bus needs to know.
#[derive(Debug, Clone)]
pub struct MessagingOptions {
    /// `transport_url`.
    pub url: TransportUrl,
    /// `control_exchange` (default `openstack`).
    pub control_exchange: String,
    /// `ssl` and its files; `None` when off.
    pub tls: Option<RabbitTls>,
    /// `heartbeat_timeout_threshold` (default 60 s; 0 turns heartbeats off).
    pub heartbeat: Duration,
    /// `kombu_reconnect_delay` (default 1.0 s): before the first reconnect.
    pub reconnect_delay: Duration,
    /// `rabbit_retry_interval` (default 1 s): first pause after a full round of hosts.
    pub retry_interval: Duration,
    /// `rabbit_interval_max` (default 30 s): the longest pause between rounds.
    pub retry_interval_max: Duration,
    /// `kombu_failover_strategy` (default round-robin).
    pub failover: Failover,
    /// `kombu_missing_consumer_retry_timeout` (default 60 s): how long a reply is retried
    /// while its queue is missing.
    pub reply_retry_timeout: Duration,
    /// `rabbit_login_method` (default AMQPLAIN): `AMQPLAIN`, `PLAIN` or `EXTERNAL`.
    pub login_method: String,
    /// `amqp_durable_queues` (default false).
    pub durable_queues: bool,
    /// `amqp_auto_delete` (default false).
    pub auto_delete: bool,
    /// `rabbit_ha_queues` (default false).
    pub ha_queues: bool,
    /// `rabbit_quorum_queue` (default false).
    pub quorum_queue: bool,
    /// `rabbit_transient_quorum_queue` (default false).
    pub transient_quorum_queue: bool,
    /// `rabbit_stream_fanout` (default false).
    pub stream_fanout: bool,
    /// `rabbit_quorum_delivery_limit` (default 0: not sent).
    pub quorum_delivery_limit: u32,
    /// `rabbit_quorum_max_memory_length` (default 0: not sent).
    pub quorum_max_memory_length: u32,
    /// `rabbit_quorum_max_memory_bytes` (default 0: not sent).
    pub quorum_max_memory_bytes: u32,
    /// `rabbit_transient_queues_ttl` (default 1800 s; 0: no expiry).
    pub transient_queues_ttl: Duration,
    /// `rabbit_qos_prefetch_count` (default 0: our own window is used).
    pub prefetch_count: u16,
    /// `use_queue_manager` (default false).
    pub use_queue_manager: bool,
    /// `hostname` of `[oslo_messaging_rabbit]` (default the machine's), for queue manager names.
    pub queue_hostname: String,
    /// `processname` of `[oslo_messaging_rabbit]` (default `cinder-volume`).
    pub queue_processname: String,
    /// `enable_cancel_on_failover` (default false).
    pub cancel_on_failover: bool,
}
