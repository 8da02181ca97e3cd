//! Up to when the host's queues have been read, as the listener tells it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use cinder_volume_xtremio::bus::{Listener, ListenerState, ReadAhead, Verdict};
use lapin::options::{BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::watch;
use tokio::time::timeout;

use super::bench::{AHEAD, Bench, HOST, MAIN, PATIENCE, Scripted, options};
use crate::support::broker::TestBroker;
use crate::support::relay::Relay;

type Mark = watch::Receiver<Option<Instant>>;

fn now(mark: &Mark) -> Option<Instant> {
    *mark.borrow()
}

async fn passes(mark: &mut Mark, instant: Instant) {
    let passed = mark.wait_for(|mark| mark.is_some_and(|mark| mark > instant));
    timeout(PATIENCE, passed)
        .await
        .expect("the mark stays")
        .unwrap();
}

#[tokio::test]
async fn nothing_is_read_before_consuming() {
    let broker = TestBroker::new().await;
    let options = options(&broker, broker.port());
    let (tx, _deliveries) = unbounded_channel();
    let gate = Scripted::new(&[Verdict::Wait, Verdict::Wait, Verdict::Consume]);
    let began = Instant::now();
    let listener = Listener::spawn(&options, HOST, AHEAD, gate, tx);
    let (mut state, mut mark) = (listener.state(), listener.read_up_to());
    let declared = state.wait_for(|s| *s == ListenerState::Declared);
    drop(timeout(PATIENCE, declared).await.unwrap().unwrap());
    assert_eq!(now(&mark), None);
    let at_gate = Instant::now();
    passes(&mut mark, at_gate).await;
    assert!(
        began.elapsed() > Duration::from_secs(2),
        "the gate was not waited for"
    );
    listener.close().await;
}

#[tokio::test]
async fn a_backlog_beyond_the_window_is_read_when_it_has_been_delivered() {
    const ALL: usize = 20;
    let ahead = ReadAhead {
        messages: 5,
        ..AHEAD
    };
    let broker = TestBroker::new().await;
    let mut options = options(&broker, broker.port());
    options.heartbeat = Duration::from_secs(6);
    let mut bench = Bench::reading(broker, &options, &[Verdict::Consume], ahead).await;
    let mut mark = bench.listener.read_up_to();
    let began = Instant::now();
    passes(&mut mark, began).await;

    bench.send_all((0..ALL).map(|n| vec![n as u8])).await;
    let published = Instant::now();
    // A consumer that comes and goes shows that the broker has been asked since.
    let (connection, channel) = bench.broker.channel().await;
    channel
        .basic_qos(1, BasicQosOptions::default())
        .await
        .unwrap();
    let _other = channel
        .basic_consume(
            MAIN.into(),
            "other".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        )
        .await
        .unwrap();
    bench.state(|s| *s == ListenerState::Consuming(2)).await;
    assert!(now(&mark) < Some(published));
    connection.close(200, "gone".into()).await.unwrap();
    bench.state(|s| *s == ListenerState::Consuming(1)).await;
    assert!(now(&mark) < Some(published));

    let mut bodies = BTreeSet::new();
    while bodies.len() < ALL {
        // What is neither here nor within the window is still on the broker.
        if bodies.len() + usize::from(ahead.messages) < ALL {
            assert!(now(&mark) < Some(published), "{} read", bodies.len());
        }
        let delivery = bench.next().await;
        assert!(bodies.insert(delivery.body.clone()), "twice");
        assert!(delivery.settler().ack().await.unwrap());
    }
    passes(&mut mark, published).await;
    bench.listener.close().await;
}

#[tokio::test]
async fn nothing_is_read_while_the_line_is_cut() {
    let broker = TestBroker::new().await;
    let relay = Relay::to(([127, 0, 0, 1], broker.port()).into()).await;
    let mut options = options(&broker, relay.addr().port());
    options.heartbeat = Duration::from_secs(6);
    let bench = Bench::with(broker, &options, &[Verdict::Consume]).await;
    let mut mark = bench.listener.read_up_to();
    let began = Instant::now();
    passes(&mut mark, began).await;

    relay.cut();
    let broken = |s: &ListenerState| matches!(s, ListenerState::Connecting(Some(_)));
    bench.state(broken).await;
    let last = now(&mark);
    bench.send("openstack", MAIN, "meanwhile").await;
    let mut state = bench.listener.state();
    for _ in 0..3 {
        timeout(PATIENCE, state.changed()).await.unwrap().unwrap();
        assert!(broken(&state.borrow_and_update()));
    }
    assert_eq!(now(&mark), last);
    let restored = Instant::now();
    relay.restore();
    passes(&mut mark, restored).await;
    bench.listener.close().await;
}
