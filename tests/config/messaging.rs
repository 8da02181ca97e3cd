//! `transport_url`, the driver's options and notifications.

use cinder_volume_xtremio::config::transport_url::{TransportUrlError, parse};
use cinder_volume_xtremio::config::{Failover, NotificationDriver};
use secrecy::ExposeSecret as _;

use super::{base_and, faults};

fn url(url: &str) -> String {
    format!("[DEFAULT]\ntransport_url = {url}\n")
}

#[test]
fn defaults_are_those_of_oslo_messaging() {
    let messaging = base_and("").unwrap().config.messaging;
    let host = &messaging.url.hosts[0];
    assert_eq!(
        (host.host.as_str(), host.port, host.user.as_str()),
        ("localhost", 5672, "guest")
    );
    assert_eq!(host.password.expose_secret(), "guest");
    assert_eq!(
        (
            messaging.url.vhost.as_str(),
            messaging.control_exchange.as_str()
        ),
        ("/", "openstack")
    );
    assert!(messaging.tls.is_none());
    assert_eq!(messaging.heartbeat.as_secs(), 60);
    assert_eq!(messaging.reconnect_delay.as_millis(), 1000);
    assert_eq!(
        (
            messaging.retry_interval.as_secs(),
            messaging.retry_interval_max.as_secs()
        ),
        (1, 30)
    );
    assert_eq!(
        (messaging.failover, messaging.login_method.as_str()),
        (Failover::RoundRobin, "AMQPLAIN")
    );
    assert_eq!(
        (
            messaging.reply_retry_timeout.as_secs(),
            messaging.transient_queues_ttl.as_secs()
        ),
        (60, 1800)
    );
    let off = [
        messaging.durable_queues,
        messaging.auto_delete,
        messaging.ha_queues,
        messaging.quorum_queue,
        messaging.transient_quorum_queue,
        messaging.stream_fanout,
        messaging.use_queue_manager,
        messaging.cancel_on_failover,
    ];
    assert_eq!(off, [false; 8]);
    assert_eq!(
        (messaging.prefetch_count, messaging.quorum_delivery_limit),
        (0, 0)
    );
    assert_eq!(messaging.queue_processname, "cinder-volume");
    assert!(!messaging.queue_hostname.is_empty());
}

#[test]
fn the_query_of_the_url_overrides_the_file() {
    let loaded = base_and(
        "[DEFAULT]\ntransport_url = rabbit://h/v?heartbeat_timeout_threshold=30&rabbit_quorum_queue=true&processname=a%24b\n\
         [oslo_messaging_rabbit]\nheartbeat_timeout_threshold = 5\nprocessname = p",
    )
    .unwrap();
    let messaging = loaded.config.messaging;
    assert_eq!(messaging.heartbeat.as_secs(), 30);
    assert!(messaging.quorum_queue);
    assert_eq!(messaging.queue_processname, "a$b");

    let found = faults(base_and(&url("rabbit://h/?rpc_response_timeout=5")));
    assert_eq!(
        found,
        ["[DEFAULT] transport_url: has a query option that the rabbit driver does not have"]
    );
    let found = faults(base_and(&url("rabbit://h/?ssl=maybe")));
    assert_eq!(
        found,
        [
            "[oslo_messaging_rabbit] ssl: \"maybe\" is not a boolean (from the query of transport_url)"
        ]
    );
}

#[test]
fn unusable_urls_say_why_and_nothing_else() {
    let rows = [
        ("s3cr3t", TransportUrlError::NoScheme),
        ("//u:s3cr3t@h/", TransportUrlError::NoScheme),
        ("kombu+amqp://u:s3cr3t@h/", TransportUrlError::OtherScheme),
        ("kafka://u:s3cr3t@h/", TransportUrlError::OtherScheme),
        ("rabbit://h,u:s3cr3t@h2:0/", TransportUrlError::Port(2)),
        ("rabbit://u:s3cr3t/x@h/", TransportUrlError::Port(1)),
        ("rabbit://u:s3cr3t?x=1@h/", TransportUrlError::Port(1)),
        ("rabbit://u:s3cr3t#x@h/", TransportUrlError::Fragment),
        ("rabbit://u:s3cr3t@[::1/", TransportUrlError::Bracket(1)),
        (
            "rabbit://u:s3cr3t@[::1]5672/",
            TransportUrlError::AfterBracket(1),
        ),
        ("rabbit://u:s3cr3t@::1/", TransportUrlError::BareIpv6(1)),
        ("rabbit://u:s3cr3t@/", TransportUrlError::NoHost(1)),
    ];
    for (text, error) in rows {
        assert_eq!(parse(text).err(), Some(error), "{text}");
        let shown = base_and(&url(text)).unwrap_err().to_string();
        assert!(shown.contains(&error.to_string()), "{text}: {shown}");
        assert!(!shown.contains("s3cr3t"), "{shown}");
    }
    let shown = format!("{:?}", parse("rabbit://u:12?s3cr3t=s3cr3t@h/").unwrap());
    assert!(!shown.contains("s3cr3t"), "{shown}");
}

#[test]
fn hosts_without_credentials_are_pointed_out() {
    let loaded = base_and(&url("rabbit://u:p@h1,h2/")).unwrap();
    assert_eq!(loaded.config.messaging.url.hosts[1].user, "guest");
    assert!(
        loaded.warnings.iter().any(|w| w.contains("guest/guest")),
        "{:?}",
        loaded.warnings
    );
}

#[test]
fn old_names_still_work() {
    let loaded = base_and(
        "[DEFAULT]\nrpc_thread_pool_size = 9\nrabbit_ha_queues = on\nnotification_driver = messaging\nnotification_topics = t1,t2\n\
         [oslo_messaging_rabbit]\nkombu_reconnect_timeout = 7\nrabbit_quroum_max_memory_length = 3\nrabbit_quroum_max_memory_bytes = 4\n",
    )
    .unwrap();
    let messaging = &loaded.config.messaging;
    assert_eq!(loaded.config.service.executor_slots, 9);
    assert!(messaging.ha_queues);
    assert_eq!(messaging.reply_retry_timeout.as_secs(), 7);
    assert_eq!(
        (
            messaging.quorum_max_memory_length,
            messaging.quorum_max_memory_bytes
        ),
        (3, 4)
    );
    assert_eq!(
        loaded.config.notifications.drivers,
        [NotificationDriver::Messaging]
    );
    assert_eq!(loaded.config.notifications.topics, ["t1", "t2"]);
    assert_eq!(
        loaded
            .warnings
            .iter()
            .filter(|w| w.contains("is an old name"))
            .count(),
        7
    );
}

#[test]
fn tls_options_and_files() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().display();
    let loaded = base_and(&format!(
        "[oslo_messaging_rabbit]\nrabbit_use_ssl = 1\nkombu_ssl_ca_certs = {path}\nssl_cert_file = {path}\nssl_key_file = {path}\n\
         ssl_version = tlsv1_2\nrabbit_login_method = external"
    ))
    .unwrap();
    let messaging = loaded.config.messaging;
    let tls = messaging.tls.unwrap();
    assert_eq!(tls.ca_file.as_deref(), Some(file.path()));
    assert!(tls.verify_hostname);
    assert_eq!(messaging.login_method, "EXTERNAL");

    let found = faults(base_and(
        "[oslo_messaging_rabbit]\nssl = true\nssl_ca_file = /no/ca\nssl_version = TLSv1",
    ));
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(
        found[0],
        "[oslo_messaging_rabbit] ssl_version: is too old: only TLS 1.2 and 1.3 are spoken"
    );
    assert!(
        found[1].starts_with("[oslo_messaging_rabbit] ssl_ca_file: /no/ca cannot be read"),
        "{found:?}"
    );
}

#[test]
fn options_that_exclude_each_other_are_faults() {
    let rows: [(&str, &[&str]); 7] = [
        (
            "rabbit_quorum_queue = 1\nrabbit_ha_queues = 1",
            &["rabbit_quorum_queue: cannot be on together with rabbit_ha_queues"],
        ),
        (
            "rabbit_stream_fanout = 1",
            &[
                "rabbit_stream_fanout: needs rabbit_transient_quorum_queue",
                "rabbit_stream_fanout: needs rabbit_qos_prefetch_count above 0",
            ],
        ),
        (
            "rabbit_stream_fanout = 1\nrabbit_transient_quorum_queue = 1\nrabbit_qos_prefetch_count = 5",
            &[],
        ),
        (
            "rabbit_login_method = EXTERNAL",
            &["rabbit_login_method: EXTERNAL needs a client certificate"],
        ),
        (
            "kombu_compression = gzip",
            &["kombu_compression: compressed messages are not supported"],
        ),
        (
            "kombu_reconnect_delay = 5",
            &["kombu_reconnect_delay: \"5\" is not allowed"],
        ),
        (
            "rabbit_transient_queues_ttl = 3000000",
            &["rabbit_transient_queues_ttl: \"3000000\" is not allowed"],
        ),
    ];
    for (text, expected) in rows {
        let result = base_and(&format!("[oslo_messaging_rabbit]\n{text}"));
        if expected.is_empty() {
            assert!(result.is_ok(), "{text}");
            continue;
        }
        let expected: Vec<String> = expected
            .iter()
            .map(|e| format!("[oslo_messaging_rabbit] {e}"))
            .collect();
        assert_eq!(faults(result), expected, "{text}");
    }
}

#[test]
fn notification_drivers_repeat_over_lines_and_files() {
    let loaded = base_and(
        "[oslo_messaging_notifications]\ndriver = messagingv2\ndriver = log\ndriver = noop\ndriver = messagingv2\n\
         transport_url = rabbit://n:p@mq2/nv",
    )
    .unwrap();
    let notifications = loaded.config.notifications;
    assert_eq!(
        notifications.drivers,
        [NotificationDriver::MessagingV2, NotificationDriver::Log]
    );
    assert_eq!(notifications.topics, ["notifications"]);
    assert_eq!(notifications.url.unwrap().vhost, "nv");

    let found = faults(base_and(
        "[oslo_messaging_notifications]\ndriver = pigeon\ntransport_url = rabbit://h/?ssl=1",
    ));
    assert_eq!(
        found,
        [
            "[oslo_messaging_notifications] driver: \"pigeon\" is not supported",
            "[oslo_messaging_notifications] transport_url: has query options, which only the RPC transport_url may have",
        ]
    );
}
