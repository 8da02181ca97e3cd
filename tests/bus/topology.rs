//! Our declarations against the frames that real oslo.messaging servers sent.

use cinder_volume_xtremio::bus::{ExchangeDecl, ExchangeType, QueueArgument, QueueDecl, Topology};
use cinder_volume_xtremio::config::MessagingOptions;
use serde_json::{Value, json};

use crate::support::messaging;

const HOST: &str = "hostgroup@xtremio1";

fn transcript(name: &str) -> Value {
    let path = format!(
        "{}/tests/data/wire-vectors/transcripts/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn exchange_frame(exchange: &ExchangeDecl) -> Value {
    let kind = match exchange.kind {
        ExchangeType::Topic => "topic",
        ExchangeType::Fanout => "fanout",
    };
    json!([
        "Exchange.Declare",
        exchange.name,
        kind,
        exchange.durable,
        exchange.auto_delete
    ])
}

fn queue_frame(queue: &QueueDecl) -> Value {
    let arguments: serde_json::Map<String, Value> = queue
        .arguments
        .iter()
        .map(|(name, value)| {
            let value = match value {
                QueueArgument::Int(n) => json!(n),
                QueueArgument::Str(s) => json!(s),
            };
            ((*name).to_owned(), value)
        })
        .collect();
    json!([
        "Queue.Declare",
        masked(&queue.name),
        queue.durable,
        queue.auto_delete,
        arguments
    ])
}

/// Random endings of fanout names, made equal.
fn masked(name: &str) -> String {
    match name.rsplit_once("_fanout_") {
        Some((topic, hex)) => {
            assert_eq!(hex.len(), 32, "{name}");
            assert!(hex.chars().all(|c| c.is_ascii_hexdigit()), "{name}");
            format!("{topic}_fanout_HEX")
        }
        None => name.to_owned(),
    }
}

fn ours(options: &MessagingOptions) -> Vec<Value> {
    let mut frames = Vec::new();
    for server in Topology::new(options).volume_servers(HOST) {
        for queue in &server.queues {
            let (exchange, key) = queue.binding.as_ref().unwrap();
            frames.push(exchange_frame(exchange));
            frames.push(queue_frame(queue));
            frames.push(json!([
                "Queue.Bind",
                masked(&queue.name),
                exchange.name,
                key
            ]));
        }
    }
    frames
}

fn recorded(name: &str) -> Vec<Value> {
    let transcript = transcript(name);
    let frames = transcript["frames"].as_array().unwrap();
    frames
        .iter()
        .filter(|f| f["from"] == "client")
        .filter_map(|f| {
            let a = &f["args"];
            let text = |key: &str| masked(a[key].as_str().unwrap());
            match f["method"].as_str()? {
                "Exchange.Declare" => Some(json!([
                    "Exchange.Declare",
                    a["exchange"],
                    a["type"],
                    a["durable"],
                    a["auto_delete"]
                ])),
                "Queue.Declare" => Some(json!([
                    "Queue.Declare",
                    text("queue"),
                    a["durable"],
                    a["auto_delete"],
                    a["arguments"]
                ])),
                "Queue.Bind" => Some(json!([
                    "Queue.Bind",
                    text("queue"),
                    a["exchange"],
                    a["routing_key"]
                ])),
                _ => None,
            }
        })
        .collect()
}

#[test]
fn default_options_declare_what_oslo_declares() {
    let options = messaging::options("localhost", 5672, "/");
    for name in ["server-start-default", "server-start-default-14.0.3"] {
        assert_eq!(ours(&options), recorded(name), "{name}");
    }
}

#[test]
fn quorum_and_stream_options_declare_what_oslo_declares() {
    let mut options = messaging::options("localhost", 5672, "/");
    options.quorum_queue = true;
    options.transient_quorum_queue = true;
    options.stream_fanout = true;
    options.prefetch_count = 10;
    options.quorum_delivery_limit = 5;
    options.quorum_max_memory_length = 1000;
    options.quorum_max_memory_bytes = 1_048_576;
    assert_eq!(ours(&options), recorded("server-start-quorum-stream"));
}

/// Rows of the table of flags by option that no transcript shows: durable and auto_delete of
/// the topic exchange, then of its queue; the same of fanout exchange and queue; arguments.
#[test]
fn every_other_option_sets_the_documented_flags() {
    type Change = fn(&mut MessagingOptions);
    let expires = json!({"x-expires": 1_800_000});
    type Row = (&'static str, Change, [bool; 4], [bool; 4], Value, Value);
    let rows: [Row; 5] = [
        (
            "amqp_durable_queues",
            |o| o.durable_queues = true,
            [true, false, true, false],
            [false, true, false, false],
            json!({}),
            expires.clone(),
        ),
        (
            "amqp_auto_delete",
            |o| o.auto_delete = true,
            [false, true, false, true],
            [false, true, false, false],
            json!({}),
            expires.clone(),
        ),
        (
            "rabbit_ha_queues",
            |o| o.ha_queues = true,
            [false, false, false, false],
            [false, true, false, false],
            json!({"x-ha-policy": "all"}),
            json!({"x-ha-policy": "all", "x-expires": 1_800_000}),
        ),
        (
            "rabbit_transient_quorum_queue",
            |o| o.transient_quorum_queue = true,
            [false, false, false, false],
            [true, true, true, false],
            json!({}),
            json!({"x-queue-type": "quorum", "x-expires": 1_800_000}),
        ),
        (
            "rabbit_transient_queues_ttl = 0",
            |o| o.transient_queues_ttl = std::time::Duration::ZERO,
            [false, false, false, false],
            [false, true, false, false],
            json!({}),
            json!({}),
        ),
    ];
    for (option, change, topic, fanout, topic_args, fanout_args) in rows {
        let mut options = messaging::options("localhost", 5672, "/");
        change(&mut options);
        let topology = Topology::new(&options);
        for (queue, flags, arguments) in [
            (topology.topic_queue("cinder-volume"), topic, topic_args),
            (
                topology.fanout_queue("cinder-volume", HOST),
                fanout,
                fanout_args.clone(),
            ),
        ] {
            let (exchange, _) = queue.binding.as_ref().unwrap();
            let got = [
                exchange.durable,
                exchange.auto_delete,
                queue.durable,
                queue.auto_delete,
            ];
            assert_eq!(got, flags, "{option}: {}", queue.name);
            assert_eq!(
                queue_frame(&queue)[4],
                arguments,
                "{option}: {}",
                queue.name
            );
        }
        let reply = topology.reply_queue(HOST);
        assert_eq!(
            queue_frame(&reply)[4],
            fanout_args,
            "{option}: {}",
            reply.name
        );
    }
}

#[test]
fn queue_manager_names_are_stable_and_ours() {
    let mut options = messaging::options("localhost", 5672, "/");
    options.use_queue_manager = true;
    let topology = Topology::new(&options);
    let queue = topology.fanout_queue("cinder-volume", HOST);
    assert_eq!(
        queue.name,
        "cinder-volume_fanout_node1:cinder-volume:hostgroup@xtremio1"
    );
    assert!(!queue.private, "oslo leaves these queues at stop");
    assert_eq!(queue, topology.fanout_queue("cinder-volume", HOST));
}
