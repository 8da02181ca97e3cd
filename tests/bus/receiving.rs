//! The session loop against a real broker: what arrives, what survives, what is handed back.

use std::time::{Duration, Instant};

use cinder_volume_xtremio::bus::{Listener, ListenerState, Verdict};
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::timeout;

use super::bench::{AHEAD, Bench, HOST, MAIN, PATIENCE, Scripted, options};
use crate::support::broker::TestBroker;
use crate::support::relay::Relay;

#[tokio::test]
async fn every_address_of_the_host_is_heard() {
    let mut bench = Bench::start().await;
    for (exchange, key) in [
        ("openstack", "cinder-volume"),
        ("openstack", "cinder-volume.ctl1@xtremio1"),
        ("openstack", MAIN),
        ("cinder-volume_fanout", ""),
        ("cinder-volume.ctl1@xtremio1_fanout", ""),
    ] {
        bench.send(exchange, key, key).await;
        let delivery = bench.next().await;
        assert_eq!(delivery.body, key.as_bytes(), "{exchange}");
        assert_eq!(
            delivery.properties.content_type.as_deref(),
            Some("application/json")
        );
        assert!(delivery.settler().ack().await.unwrap());
    }
    bench.listener.close().await;
}

#[tokio::test]
async fn what_is_not_settled_comes_again_after_a_lost_connection() {
    let mut bench = Bench::start().await;
    bench.send("openstack", MAIN, "kept").await;
    let first = bench.next().await;
    assert!(!first.redelivered);
    bench.broker.close_connections(1).await;
    let again = bench.next().await;
    assert_eq!(again.body, b"kept");
    assert!(again.redelivered);
    assert!(
        !first.settler().ack().await.unwrap_or(false),
        "the old channel took an ack"
    );
    assert!(again.settler().ack().await.unwrap());
    bench.empty(MAIN).await;
    bench.listener.close().await;
}

#[tokio::test]
async fn a_cut_line_is_noticed_and_the_queue_served_again() {
    let broker = TestBroker::new().await;
    let relay = Relay::to(([127, 0, 0, 1], broker.port()).into()).await;
    let options = options(&broker, relay.addr().port());
    let mut bench = Bench::with(broker, &options, &[Verdict::Consume]).await;
    relay.cut();
    bench
        .state(|s| matches!(s, ListenerState::Connecting(Some(_))))
        .await;
    bench.send("openstack", MAIN, "meanwhile").await;
    relay.restore();
    let delivery = bench.next().await;
    assert_eq!(delivery.body, b"meanwhile");
    assert!(delivery.settler().ack().await.unwrap());
    bench.listener.close().await;
}

#[tokio::test]
async fn a_mute_line_is_noticed_within_two_heartbeats() {
    let broker = TestBroker::new().await;
    let relay = Relay::to(([127, 0, 0, 1], broker.port()).into()).await;
    let mut options = options(&broker, relay.addr().port());
    options.heartbeat = Duration::from_secs(4);
    let bench = Bench::with(broker, &options, &[Verdict::Consume]).await;
    relay.stall();
    let began = Instant::now();
    bench
        .state(|s| matches!(s, ListenerState::Connecting(Some(_))))
        .await;
    assert!(
        began.elapsed() < options.heartbeat * 2,
        "noticed after {:?}",
        began.elapsed()
    );
    relay.restore();
    bench
        .state(|s| matches!(s, ListenerState::Consuming(_)))
        .await;
    bench.listener.close().await;
}

#[tokio::test]
async fn a_line_that_died_in_silence_is_left_for_a_new_one() {
    let broker = TestBroker::new().await;
    let relay = Relay::to(([127, 0, 0, 1], broker.port()).into()).await;
    let mut options = options(&broker, relay.addr().port());
    options.heartbeat = Duration::from_secs(30);
    let mut bench = Bench::with(broker, &options, &[Verdict::Consume]).await;
    let began = Instant::now();
    relay.strand();
    bench
        .state(|s| matches!(s, ListenerState::Connecting(Some(_))))
        .await;
    bench
        .state(|s| matches!(s, ListenerState::Consuming(_)))
        .await;
    assert!(
        began.elapsed() < options.heartbeat / 2,
        "noticed after {:?}",
        began.elapsed()
    );
    // The socket of the dead line has ended: no thread waits on it any more.
    while relay.hung_up() == 0 {
        assert!(began.elapsed() < options.heartbeat / 2, "still open");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The broker still counts on the dead consumer, and gives it every other message.
    for body in ["a", "b"] {
        bench.send("openstack", MAIN, body).await;
    }
    assert!(
        ["a", "b"]
            .map(str::as_bytes)
            .contains(&&*bench.next().await.body)
    );
    bench.listener.close().await;
}

#[tokio::test]
async fn attempts_that_were_given_up_do_not_go_on() {
    let broker = TestBroker::new().await;
    let relay = Relay::to(([127, 0, 0, 1], broker.port()).into()).await;
    relay.stall();
    let options = options(&broker, relay.addr().port());
    let (tx, _deliveries) = unbounded_channel();
    let listener = Listener::spawn(
        &options,
        HOST,
        AHEAD,
        Scripted::new(&[Verdict::Consume]),
        tx,
    );
    let mut state = listener.state();
    let failed = |s: &ListenerState| matches!(s, ListenerState::Connecting(Some(_)));
    timeout(PATIENCE, state.wait_for(failed))
        .await
        .unwrap()
        .unwrap();
    let ended = async {
        while relay.hung_up() == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(5), ended)
        .await
        .expect("the socket is still open");
    relay.restore();
    let consuming = |s: &ListenerState| matches!(s, ListenerState::Consuming(1));
    timeout(PATIENCE, state.wait_for(consuming))
        .await
        .unwrap()
        .unwrap();
    listener.close().await;
}

#[tokio::test]
async fn a_deleted_queue_is_declared_again() {
    let mut bench = Bench::start().await;
    let (_connection, channel) = bench.broker.channel().await;
    channel
        .queue_delete(MAIN.into(), Default::default())
        .await
        .unwrap();
    bench
        .state(|s| matches!(s, ListenerState::Connecting(Some(_))))
        .await;
    bench
        .state(|s| matches!(s, ListenerState::Consuming(_)))
        .await;
    bench.send("openstack", MAIN, "back").await;
    assert_eq!(bench.next().await.body, b"back");
    bench.listener.close().await;
}

#[tokio::test]
async fn the_gate_holds_messages_back_and_can_refuse() {
    let broker = TestBroker::new().await;
    let options = options(&broker, broker.port());
    let verdicts = [
        Verdict::Wait,
        Verdict::Wait,
        Verdict::Refuse("somebody else".into()),
    ];
    let mut bench = Bench::with(broker, &options, &verdicts).await;
    bench.state(|s| *s == ListenerState::Declared).await;
    bench.send("openstack", MAIN, "not for us").await;
    let refused = bench
        .state(|s| matches!(s, ListenerState::Refused(_)))
        .await;
    assert_eq!(refused, ListenerState::Refused("somebody else".into()));
    assert!(bench.deliveries.try_recv().is_err());
    bench.broker.wait_for_queue(MAIN, |q| q.messages == 1).await;
}

#[tokio::test]
async fn a_stop_leaves_new_messages_and_hands_unsettled_ones_back() {
    let mut bench = Bench::start().await;
    bench.send("openstack", MAIN, "started").await;
    bench.send("openstack", MAIN, "not started").await;
    let started = bench.next().await;
    let _not_started = bench.next().await;
    bench.listener.stop_consuming().await;
    bench.send("openstack", MAIN, "late").await;
    bench.broker.wait_for_queue(MAIN, |q| q.messages == 3).await;
    assert!(
        bench.deliveries.try_recv().is_err(),
        "a message was taken after the stop"
    );
    assert!(
        started.settler().ack().await.unwrap(),
        "what runs can be settled"
    );
    bench.listener.close().await;
    bench
        .broker
        .wait_for_queue(MAIN, |q| q.messages == 2 && q.consumers == 0)
        .await;
    let names: Vec<String> = bench
        .broker
        .queues()
        .await
        .into_iter()
        .map(|q| q.name)
        .collect();
    assert!(!names.iter().any(|n| n.contains("_fanout_")), "{names:?}");
}

#[tokio::test]
async fn a_mismatch_names_the_object_and_the_options() {
    let broker = TestBroker::new().await;
    let mut durable = options(&broker, broker.port());
    durable.durable_queues = true;
    let first = Bench::with(broker, &durable, &[Verdict::Consume]).await;
    let plain = options(&first.broker, first.broker.port());
    let (tx, _rx) = unbounded_channel();
    let second = Listener::spawn(&plain, HOST, AHEAD, Scripted::new(&[Verdict::Consume]), tx);
    let mut state = second.state();
    let told = timeout(
        PATIENCE,
        state.wait_for(|s| matches!(s, ListenerState::Connecting(Some(_)))),
    )
    .await
    .unwrap()
    .unwrap()
    .clone();
    let ListenerState::Connecting(Some(text)) = told else {
        panic!("{told:?}")
    };
    for word in ["exchange openstack", "durable", "amqp_durable_queues"] {
        assert!(text.contains(word), "{text}");
    }
    first.listener.close().await;
    second.close().await;
}

#[tokio::test]
async fn quorum_queues_are_served_with_a_window() {
    let broker = TestBroker::new().await;
    let mut options = options(&broker, broker.port());
    options.quorum_queue = true;
    options.transient_quorum_queue = true;
    let mut bench = Bench::with(broker, &options, &[Verdict::Consume]).await;
    let queue = bench.broker.queue(MAIN).await.unwrap();
    assert!(queue.durable);
    assert_eq!(queue.arguments["x-queue-type"], "quorum");
    bench.send("openstack", MAIN, "quorum").await;
    let delivery = bench.next().await;
    assert_eq!(delivery.body, b"quorum");
    assert!(delivery.settler().ack().await.unwrap());
    bench.listener.close().await;
}
