//! How far the main queue is read ahead: bounded in bytes, shared with siblings.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use cinder_volume_xtremio::bus::{Delivery, Listener, ListenerState, ReadAhead, Verdict};
use cinder_volume_xtremio::config::MessagingOptions;
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::timeout;

use super::bench::{AHEAD, Bench, HOST, MAIN, PATIENCE, Scripted, options};
use crate::support::broker::TestBroker;

const MIB: usize = 1 << 20;
/// Bound of bodies that the tests of large ones set, MiB.
const BOUND: usize = 8;
const FEW_MIB: ReadAhead = ReadAhead {
    bytes: (BOUND * MIB) as u64,
    ..AHEAD
};

/// A body of this size that tells its number.
fn body(number: u32, size: usize) -> Vec<u8> {
    let mut body = number.to_be_bytes().to_vec();
    body.resize(size, b'x');
    body
}

fn number(delivery: &Delivery) -> u32 {
    u32::from_be_bytes(delivery.body[..4].try_into().unwrap())
}

/// A bench that has seen a small body.
async fn opened(broker: TestBroker, options: &MessagingOptions, ahead: ReadAhead) -> Bench {
    let mut bench = Bench::reading(broker, options, &[Verdict::Consume], ahead).await;
    bench.send_all([body(0, 10)]).await;
    bench.next().await.settler().ack().await.unwrap();
    let full = u64::from(ahead.messages);
    bench.broker.wait_for_windows(MAIN, |w| w == [full]).await;
    bench
}

#[tokio::test]
async fn siblings_share_the_work_until_one_is_alone_again() {
    let broker = TestBroker::new().await;
    let mut options = options(&broker, broker.port());
    options.heartbeat = Duration::from_secs(6);
    let ahead = ReadAhead { slots: 2, ..AHEAD };
    let mut bench = opened(broker, &options, ahead).await;

    let (tx, mut theirs) = unbounded_channel();
    let gate = Scripted::new(&[Verdict::Consume]);
    let sibling = Listener::spawn(&options, HOST, ahead, gate, tx);
    bench.broker.wait_for_windows(MAIN, |w| w == [8, 8]).await;
    bench.send_all((0..40).map(|n| body(n, 10))).await;
    let shared = bench.broker.wait_for_queue(MAIN, |q| q.unacked == 16).await;
    assert_eq!(shared.messages, 40);
    let mut ours = BTreeSet::new();
    let mut held = Vec::new();
    for _ in 0..8 {
        timeout(PATIENCE, theirs.recv()).await.unwrap().unwrap();
        let delivery = bench.next().await;
        assert!(ours.insert(number(&delivery)));
        held.push(delivery);
    }
    assert!(theirs.try_recv().is_err() && bench.deliveries.is_empty());

    sibling.close().await;
    // what we hold already is part of the window
    bench.broker.wait_for_windows(MAIN, |w| w == [92]).await;
    for _ in 0..32 {
        let delivery = bench.next().await;
        assert!(ours.insert(number(&delivery)));
        held.push(delivery);
    }
    for delivery in &held {
        assert!(delivery.settler().ack().await.unwrap());
    }
    bench.empty(MAIN).await;
    bench.broker.wait_for_windows(MAIN, |w| w == [100]).await;
    bench.listener.close().await;
}

/// Sends large bodies to a window of `open` messages, which the broker may fill before it hears
/// that they are large; after that the bound holds.
async fn large_bodies(mut bench: Bench, open: usize, count: usize) {
    let mut state = bench.listener.state();
    state.mark_unchanged();
    bench
        .send_all((0..count).map(|n| body(n as u32, MIB)))
        .await;
    let near = |unacked: u64, most: usize| unacked <= most as u64 + 2;
    let queue = bench
        .broker
        .wait_for_queue(MAIN, |q| q.messages == count as u64 && q.unacked >= 4)
        .await;
    assert!(near(queue.unacked, open), "{queue:?}");

    let mut most = open;
    let mut numbers = BTreeSet::new();
    for step in 0..count {
        let delivery = bench.next().await;
        let held = bench.deliveries.len() + 1;
        assert!(near(held as u64, most), "{held} MiB held at step {step}");
        // Before that, what the open window let through may still be on its way.
        if step > open && held <= BOUND {
            most = BOUND;
        }
        if step == count * 3 / 4 {
            let left = (count - step) as u64;
            let ready = |unacked| unacked > 0 && near(unacked, BOUND);
            let settled = bench
                .broker
                .wait_for_queue(MAIN, |q| q.messages == left && ready(q.unacked));
            settled.await;
        }
        assert!(!delivery.redelivered);
        assert_eq!(delivery.body.len(), MIB);
        assert!(numbers.insert(number(&delivery)), "twice");
        assert!(delivery.settler().ack().await.unwrap(), "the channel went");
    }
    assert_eq!(most, BOUND);
    bench.empty(MAIN).await;

    bench.send_all((0..200).map(|n| body(n, 10))).await;
    for _ in 0..200 {
        assert!(bench.next().await.settler().ack().await.unwrap());
    }
    bench.broker.wait_for_windows(MAIN, |w| w == [100]).await;
    assert!(!state.has_changed().unwrap(), "the session broke");
    bench.listener.close().await;
}

#[tokio::test]
async fn large_bodies_are_taken_a_few_at_a_time_and_all_once() {
    let broker = TestBroker::new().await;
    let options = options(&broker, broker.port());
    let bench = Bench::reading(broker, &options, &[Verdict::Consume], FEW_MIB).await;
    large_bodies(bench, 100, 200).await;
}

#[tokio::test]
async fn large_bodies_close_a_window_that_small_ones_had_opened() {
    let broker = TestBroker::new().await;
    let options = options(&broker, broker.port());
    let bench = opened(broker, &options, FEW_MIB).await;
    large_bodies(bench, 100, 200).await;
}

#[tokio::test]
async fn a_quorum_queue_keeps_its_window() {
    let broker = TestBroker::new().await;
    let mut options = options(&broker, broker.port());
    options.quorum_queue = true;
    options.heartbeat = Duration::from_secs(6);
    let mut bench = Bench::reading(broker, &options, &[Verdict::Consume], FEW_MIB).await;
    let mut state = bench.listener.state();
    state.mark_unchanged();
    bench.send_all((0..20).map(|n| body(n, MIB))).await;
    let sent = Instant::now();
    let mut held = Vec::new();
    for n in 0..20 {
        let delivery = bench.next().await;
        assert!(!delivery.redelivered);
        assert_eq!(number(&delivery), n);
        held.push(delivery);
    }
    // The broker has been asked again, and counts one consumer.
    let mut mark = bench.listener.read_up_to();
    let asked = mark.wait_for(|mark| mark.is_some_and(|mark| mark > sent));
    drop(timeout(PATIENCE, asked).await.unwrap().unwrap());
    assert!(!state.has_changed().unwrap(), "{:?}", *state.borrow());
    bench.broker.wait_for_windows(MAIN, |w| w == [100]).await;
    for delivery in &held {
        assert!(delivery.settler().ack().await.unwrap());
    }
    bench.empty(MAIN).await;
    bench.listener.close().await;
}

#[tokio::test]
async fn what_is_dropped_unsettled_makes_room_as_well() {
    let broker = TestBroker::new().await;
    let options = options(&broker, broker.port());
    let ahead = ReadAhead {
        bytes: MIB as u64 / 2,
        ..AHEAD
    };
    let mut bench = Bench::reading(broker, &options, &[Verdict::Consume], ahead).await;
    bench.send_all([body(1, MIB)]).await;
    let first = bench.next().await;
    bench.broker.wait_for_windows(MAIN, |w| w == [1]).await;
    let settler = first.settler();
    drop(first);
    bench.send_all((0..60).map(|n| body(n, 10))).await;
    // the settler alone keeps it counted: one at a time
    let one = bench.next().await;
    let queue = bench
        .broker
        .wait_for_queue(MAIN, |q| q.messages == 61)
        .await;
    assert_eq!(queue.unacked, 2);
    drop(settler);
    one.settler().ack().await.unwrap();
    for _ in 0..59 {
        bench.next().await.settler().ack().await.unwrap();
    }
    bench
        .broker
        .wait_for_windows(MAIN, |w| w.len() == 1 && w[0] > 1)
        .await;
    bench.broker.wait_for_queue(MAIN, |q| q.messages == 1).await;
    bench.listener.close().await;
}

#[tokio::test]
async fn a_queue_that_goes_with_its_last_consumer_outlives_a_change_of_window() {
    let broker = TestBroker::new().await;
    let mut options = options(&broker, broker.port());
    options.auto_delete = true;
    let mut bench = Bench::reading(broker, &options, &[Verdict::Consume], AHEAD).await;
    let queue = bench.broker.queue(MAIN).await.unwrap();
    assert!(queue.auto_delete);
    let mut state = bench.listener.state();
    state.mark_unchanged();
    bench.send_all((0..50).map(|n| body(n, 10))).await;
    let mut numbers = BTreeSet::new();
    for _ in 0..50 {
        let delivery = bench.next().await;
        assert!(!delivery.redelivered);
        assert!(numbers.insert(number(&delivery)));
        assert!(delivery.settler().ack().await.unwrap());
    }
    bench
        .broker
        .wait_for_windows(MAIN, |w| w.len() == 1 && w[0] > 16)
        .await;
    bench.empty(MAIN).await;
    assert!(!state.has_changed().unwrap(), "the session broke");
    assert_eq!(*state.borrow(), ListenerState::Consuming(1));
    bench.listener.close().await;
}
