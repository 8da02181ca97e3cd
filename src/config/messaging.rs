//! `transport_url`, `control_exchange` and `[oslo_messaging_rabbit]`.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::option::Opt;
use super::reader::Reader;
use super::transport_url;

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
    /// `heartbeat_timeout_threshold` (default 60 s; 0: what the broker offers, since lapin cannot
    /// turn heartbeats off).
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

/// The section of the driver's options.
const GROUP: &str = "oslo_messaging_rabbit";

/// Every option of the driver in oslo.messaging 14 to 18: what the query of a URL may set.
const DRIVER_OPTIONS: [&str; 40] = [
    "amqp_auto_delete",
    "amqp_durable_queues",
    "conn_pool_min_size",
    "conn_pool_ttl",
    "direct_mandatory_flag",
    "enable_cancel_on_failover",
    "heartbeat_in_pthread",
    "heartbeat_rate",
    "heartbeat_timeout_threshold",
    "hostname",
    "kombu_compression",
    "kombu_failover_strategy",
    "kombu_missing_consumer_retry_timeout",
    "kombu_reconnect_delay",
    "kombu_reconnect_splay",
    "processname",
    "rabbit_ha_queues",
    "rabbit_interval_max",
    "rabbit_login_method",
    "rabbit_qos_prefetch_count",
    "rabbit_quorum_delivery_limit",
    "rabbit_quorum_max_memory_bytes",
    "rabbit_quorum_max_memory_length",
    "rabbit_quorum_queue",
    "rabbit_quroum_max_memory_bytes",
    "rabbit_quroum_max_memory_length",
    "rabbit_retry_backoff",
    "rabbit_retry_interval",
    "rabbit_stream_fanout",
    "rabbit_transient_queues_ttl",
    "rabbit_transient_quorum_queue",
    "rpc_conn_pool_size",
    "ssl",
    "ssl_ca_file",
    "ssl_cert_file",
    "ssl_enforce_fips_mode",
    "ssl_enforce_hostname_verification",
    "ssl_key_file",
    "ssl_version",
    "use_queue_manager",
];

const fn rabbit(name: &str) -> Opt<'_> {
    Opt::new(GROUP, name)
}

/// Reads `transport_url` and the section; `None` when a fault leaves no URL.
pub(super) fn read(r: &mut Reader<'_>) -> Option<MessagingOptions> {
    let url = read_url(r);
    let control_exchange = r.text_or(&Opt::default("control_exchange"), "openstack");
    let tls = read_tls(r);
    let failover = rabbit("kombu_failover_strategy");
    let reply_retry =
        rabbit("kombu_missing_consumer_retry_timeout").old(&[(GROUP, "kombu_reconnect_timeout")]);
    let memory_length = rabbit("rabbit_quorum_max_memory_length")
        .old(&[(GROUP, "rabbit_quroum_max_memory_length")]);
    let memory_bytes =
        rabbit("rabbit_quorum_max_memory_bytes").old(&[(GROUP, "rabbit_quroum_max_memory_bytes")]);
    let reconnect = rabbit("kombu_reconnect_delay").old(&[("DEFAULT", "kombu_reconnect_delay")]);
    let login = rabbit("rabbit_login_method").old(&[("DEFAULT", "rabbit_login_method")]);
    let limit = 0..=i64::from(i32::MAX);
    let hostname = r.filled(&rabbit("hostname")).map(|(name, _)| name);
    let processname = r.filled(&rabbit("processname")).map(|(name, _)| name);

    let options = MessagingOptions {
        url: url.unwrap_or(TransportUrl {
            hosts: Vec::new(),
            vhost: String::new(),
        }),
        control_exchange,
        tls,
        heartbeat: r.seconds(&rabbit("heartbeat_timeout_threshold"), 60, 0),
        reconnect_delay: Duration::from_secs_f64(r.float(&reconnect, 1.0, 0.0..=4.5)),
        retry_interval: r.seconds(&rabbit("rabbit_retry_interval"), 1, 1),
        retry_interval_max: r.seconds(&rabbit("rabbit_interval_max"), 30, 1),
        failover: match r.choice(&failover, &["round-robin", "shuffle"], "round-robin", false) {
            "shuffle" => Failover::Shuffle,
            _ => Failover::RoundRobin,
        },
        reply_retry_timeout: r.seconds(&reply_retry, 60, 0),
        login_method: r
            .choice(&login, &["AMQPLAIN", "PLAIN", "EXTERNAL"], "AMQPLAIN", true)
            .to_owned(),
        durable_queues: r.boolean(&rabbit("amqp_durable_queues"), false),
        auto_delete: r.boolean(
            &rabbit("amqp_auto_delete").old(&[("DEFAULT", "amqp_auto_delete")]),
            false,
        ),
        ha_queues: r.boolean(
            &rabbit("rabbit_ha_queues").old(&[("DEFAULT", "rabbit_ha_queues")]),
            false,
        ),
        quorum_queue: r.boolean(&rabbit("rabbit_quorum_queue"), false),
        transient_quorum_queue: r.boolean(&rabbit("rabbit_transient_quorum_queue"), false),
        stream_fanout: r.boolean(&rabbit("rabbit_stream_fanout"), false),
        quorum_delivery_limit: r.number(&rabbit("rabbit_quorum_delivery_limit"), 0, limit.clone()),
        quorum_max_memory_length: r.number(&memory_length, 0, limit.clone()),
        quorum_max_memory_bytes: r.number(&memory_bytes, 0, limit),
        // x-expires is a signed 32-bit number of milliseconds.
        transient_queues_ttl: Duration::from_secs(r.number(
            &rabbit("rabbit_transient_queues_ttl"),
            1800,
            0..=i64::from(i32::MAX) / 1000,
        )),
        prefetch_count: r.number(&rabbit("rabbit_qos_prefetch_count"), 0, 0..=65_535),
        use_queue_manager: r.boolean(&rabbit("use_queue_manager"), false),
        queue_hostname: hostname.unwrap_or_else(super::machine::host_name),
        queue_processname: processname.unwrap_or_else(|| "cinder-volume".to_owned()),
        cancel_on_failover: r.boolean(&rabbit("enable_cancel_on_failover"), false),
    };
    check_together(r, &options);
    (!options.url.hosts.is_empty()).then_some(options)
}

fn read_url(r: &mut Reader<'_>) -> Option<TransportUrl> {
    let opt = Opt::default("transport_url").secret();
    let (text, origin) = match r.text(&opt) {
        Some((text, origin)) => (text, Some(origin)),
        None if r.origin(&opt).is_some() => return None,
        None => ("rabbit://".to_owned(), None),
    };
    let parsed = match transport_url::parse(&text) {
        Ok(parsed) => parsed,
        Err(error) => {
            let allowed = transport_url::TransportUrlError::allowed();
            r.fault(&opt, origin.as_ref(), error.to_string(), allowed);
            return None;
        }
    };
    if parsed.mixed_credentials {
        r.warn("[DEFAULT] transport_url: some hosts have no credentials of their own and get guest/guest".to_owned());
    }
    for name in parsed.query.keys() {
        if !DRIVER_OPTIONS.contains(&name.as_str()) {
            // Not quoted: with an unescaped '?' in a password, its end stands here.
            let problem = "has a query option that the rabbit driver does not have";
            r.fault(
                &opt,
                origin.as_ref(),
                problem,
                "options of [oslo_messaging_rabbit]",
            );
            break;
        }
    }
    r.url_query = parsed.query;
    Some(parsed.url)
}

fn read_tls(r: &mut Reader<'_>) -> Option<RabbitTls> {
    let file = |old: &'static [(&'static str, &'static str)], name| rabbit(name).old(old);
    let ssl = rabbit("ssl").old(&[(GROUP, "rabbit_use_ssl"), ("DEFAULT", "rabbit_use_ssl")]);
    if !r.boolean(&ssl, false) {
        return None;
    }
    let version = rabbit("ssl_version").old(&[(GROUP, "kombu_ssl_version")]);
    let versions = ["", "TLSv1_2", "TLSv1_3", "SSLv23", "TLSv1", "TLSv1_1"];
    let chosen = r.choice(&version, &versions, "", true);
    if ["TLSv1", "TLSv1_1"].contains(&chosen) {
        let origin = r.origin(&version);
        let problem = "is too old: only TLS 1.2 and 1.3 are spoken";
        r.fault(
            &version,
            origin.as_ref(),
            problem,
            "empty, TLSv1_2, TLSv1_3",
        );
    }
    let tls = RabbitTls {
        ca_file: r.readable_file(&file(&[(GROUP, "kombu_ssl_ca_certs")], "ssl_ca_file")),
        cert_file: r.readable_file(&file(&[(GROUP, "kombu_ssl_certfile")], "ssl_cert_file")),
        key_file: r.readable_file(&file(&[(GROUP, "kombu_ssl_keyfile")], "ssl_key_file")),
        verify_hostname: r.boolean(&rabbit("ssl_enforce_hostname_verification"), true),
    };
    if !tls.verify_hostname {
        r.warn("[oslo_messaging_rabbit] ssl_enforce_hostname_verification: the broker's name is not checked".to_owned());
    }
    Some(tls)
}

/// Options that oslo.messaging or we cannot honour together.
fn check_together(r: &mut Reader<'_>, options: &MessagingOptions) {
    let mut refuse = |name: &str, problem: &str, allowed: &str| {
        let opt = rabbit(name);
        let origin = r.origin(&opt);
        r.fault(&opt, origin.as_ref(), problem, allowed);
    };
    if options.quorum_queue && options.ha_queues {
        let problem = "cannot be on together with rabbit_ha_queues";
        refuse("rabbit_quorum_queue", problem, "one of the two");
    }
    if options.stream_fanout && !options.transient_quorum_queue {
        let problem = "needs rabbit_transient_quorum_queue";
        refuse(
            "rabbit_stream_fanout",
            problem,
            "rabbit_transient_quorum_queue = true as well",
        );
    }
    if options.stream_fanout && options.prefetch_count == 0 {
        let problem = "needs rabbit_qos_prefetch_count above 0";
        refuse(
            "rabbit_stream_fanout",
            problem,
            "rabbit_qos_prefetch_count from 1 to 65535 as well",
        );
    }
    let external_without = options.login_method == "EXTERNAL"
        && options
            .tls
            .as_ref()
            .is_none_or(|tls| tls.cert_file.is_none() || tls.key_file.is_none());
    if external_without {
        let problem = "EXTERNAL needs a client certificate";
        refuse(
            "rabbit_login_method",
            problem,
            "ssl = true, ssl_cert_file and ssl_key_file as well",
        );
    }
    if let Some((_, origin)) = r.filled(&rabbit("kombu_compression")) {
        let problem = "compressed messages are not supported";
        r.fault(
            &rabbit("kombu_compression"),
            Some(&origin),
            problem,
            "leave it unset, on all services",
        );
    }
}
