//! Messaging options as a cinder.conf without any of them has them.

use std::time::Duration;

use cinder_volume_xtremio::config::{BrokerHost, Failover, MessagingOptions, TransportUrl};
use lapin::BasicProperties;

/// AMQP properties as oslo.messaging sends them.
pub(crate) fn properties() -> BasicProperties {
    BasicProperties::default()
        .with_content_type("application/json".into())
        .with_content_encoding("utf-8".into())
        .with_delivery_mode(2)
        .with_priority(0)
}

/// Defaults of oslo.messaging, for this broker and vhost.
pub(crate) fn options(host: &str, port: u16, vhost: &str) -> MessagingOptions {
    MessagingOptions {
        url: TransportUrl {
            hosts: vec![BrokerHost {
                host: host.to_owned(),
                port,
                user: "guest".into(),
                password: "guest".to_owned().into(),
            }],
            vhost: vhost.to_owned(),
        },
        control_exchange: "openstack".into(),
        tls: None,
        heartbeat: Duration::from_secs(60),
        reconnect_delay: Duration::from_millis(100),
        retry_interval: Duration::from_millis(100),
        retry_interval_max: Duration::from_secs(1),
        failover: Failover::RoundRobin,
        reply_retry_timeout: Duration::from_secs(60),
        login_method: "AMQPLAIN".into(),
        durable_queues: false,
        auto_delete: false,
        ha_queues: false,
        quorum_queue: false,
        transient_quorum_queue: false,
        stream_fanout: false,
        quorum_delivery_limit: 0,
        quorum_max_memory_length: 0,
        quorum_max_memory_bytes: 0,
        transient_queues_ttl: Duration::from_secs(1800),
        prefetch_count: 0,
        use_queue_manager: false,
        queue_hostname: "node1".into(),
        queue_processname: "cinder-volume".into(),
        cancel_on_failover: false,
    }
}
