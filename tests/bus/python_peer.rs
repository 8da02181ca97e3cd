//! The real oslo.messaging beside us in one virtual host: nobody refuses the other's
//! declarations, and messages reach both.

use std::collections::BTreeSet;
use std::time::Duration;

use cinder_volume_xtremio::bus::Verdict;
use cinder_volume_xtremio::config::MessagingOptions;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::bench::{Bench, HOST, PATIENCE, options};
use super::peer::Peer;
use crate::support::broker::TestBroker;

/// The text that a `hello` carries, for either side to count.
fn text(body: &[u8]) -> String {
    let envelope: Value = serde_json::from_slice(body).unwrap();
    let message = envelope["oslo.message"].as_str().unwrap();
    let message: Value = serde_json::from_str(message).unwrap();
    message["args"]["text"].as_str().unwrap().to_owned()
}

fn hello(target: &Value, text: &str) -> Value {
    json!({"do": "cast", "target": target, "method": "hello", "args": {"text": text}})
}

async fn side_by_side(change: impl Fn(&mut MessagingOptions), rabbit: Value) {
    let broker = TestBroker::new().await;
    let url = broker.transport_url();
    let mut options = options(&broker, broker.port());
    change(&mut options);
    let rabbit = &rabbit;
    // We find what they declared, and they what we declared.
    let mut theirs = Peer::start(&url, rabbit).await;
    theirs.serve(HOST).await;
    let mut ours = Bench::with(broker, &options, &[Verdict::Consume]).await;
    let mut after = Peer::start(&url, rabbit).await;
    after.serve(HOST).await;

    // Addressed to the host: one of the three hears each.
    let target = json!({"topic": format!("cinder-volume.{HOST}"), "server": "ctl1"});
    let sent: BTreeSet<String> = (0..12).map(|n| format!("cast {n}")).collect();
    for text in &sent {
        theirs.tell(hello(&target, text)).await;
    }
    let mut heard = BTreeSet::new();
    while heard.len() < 4 {
        let delivery = ours.next().await;
        heard.insert(text(&delivery.body));
        assert!(delivery.settler().ack().await.unwrap());
    }
    theirs.hear(4).await;
    after.hear(4).await;
    let all = [&heard, &theirs.heard, &after.heard];
    let all: BTreeSet<String> = all.into_iter().flatten().cloned().collect();
    assert_eq!(all, sent);

    // To everybody: each hears it, under both topics.
    let topics = ["cinder-volume".to_owned(), format!("cinder-volume.{HOST}")];
    for (n, topic) in topics.iter().enumerate() {
        let target = json!({"topic": topic, "fanout": true});
        theirs.tell(hello(&target, topic)).await;
        let delivery = ours.next().await;
        assert_eq!(text(&delivery.body), *topic);
        assert!(delivery.settler().ack().await.unwrap());
        theirs.hear(5 + n).await;
        after.hear(5 + n).await;
    }
    let closed = timeout(PATIENCE, ours.listener.close()).await;
    closed.expect("our session did not end");
}

#[tokio::test]
async fn with_default_options() {
    side_by_side(|_| (), json!({})).await;
}

#[tokio::test]
async fn with_durable_queues() {
    let rabbit = json!({"amqp_durable_queues": true});
    side_by_side(|o| o.durable_queues = true, rabbit).await;
}

#[tokio::test]
async fn with_auto_delete_and_ha_queues() {
    let rabbit = json!({"amqp_auto_delete": true, "rabbit_ha_queues": true});
    let change = |o: &mut MessagingOptions| {
        o.auto_delete = true;
        o.ha_queues = true;
    };
    side_by_side(change, rabbit).await;
}

#[tokio::test]
async fn with_quorum_queues_and_queue_manager() {
    let rabbit = json!({
        "rabbit_quorum_queue": true, "rabbit_transient_quorum_queue": true,
        "use_queue_manager": true, "hostname": "node1", "processname": "cinder-volume",
        "rabbit_quorum_delivery_limit": 5,
    });
    let change = |o: &mut MessagingOptions| {
        o.quorum_queue = true;
        o.transient_quorum_queue = true;
        o.use_queue_manager = true;
        o.quorum_delivery_limit = 5;
    };
    side_by_side(change, rabbit).await;
}

#[tokio::test]
async fn with_stream_fanout() {
    let rabbit = json!({
        "rabbit_quorum_queue": true, "rabbit_transient_quorum_queue": true,
        "rabbit_stream_fanout": true, "rabbit_qos_prefetch_count": 10,
    });
    let change = |o: &mut MessagingOptions| {
        o.quorum_queue = true;
        o.transient_quorum_queue = true;
        o.stream_fanout = true;
        o.prefetch_count = 10;
    };
    side_by_side(change, rabbit).await;
}

#[tokio::test]
async fn what_a_stream_held_while_we_were_away_is_heard_once_and_in_order() {
    let broker = TestBroker::new().await;
    let url = broker.transport_url();
    let mut options = options(&broker, broker.port());
    options.transient_quorum_queue = true;
    options.stream_fanout = true;
    options.prefetch_count = 10;
    options.reconnect_delay = Duration::from_secs(1);
    let rabbit = json!({
        "rabbit_transient_quorum_queue": true, "rabbit_stream_fanout": true,
        "rabbit_qos_prefetch_count": 10,
    });
    let mut bench = Bench::with(broker, &options, &[Verdict::Consume]).await;
    let mut peer = Peer::start(&url, &rabbit).await;
    let target = json!({"topic": "cinder-volume", "fanout": true});
    peer.tell(hello(&target, "before")).await;
    let delivery = bench.next().await;
    assert_eq!(text(&delivery.body), "before");
    assert!(delivery.settler().ack().await.unwrap());
    // Ours and theirs; both come back.
    bench.broker.close_connections(2).await;
    for text in ["meanwhile", "after"] {
        peer.tell(hello(&target, text)).await;
    }
    for expected in ["meanwhile", "after"] {
        let delivery = bench.next().await;
        assert_eq!(text(&delivery.body), expected);
        assert!(delivery.settler().ack().await.unwrap());
    }
    bench.listener.close().await;
}
