//! Several hosts in `transport_url`: dead ones cost little, and nobody is always the first.

use std::time::{Duration, Instant};

use cinder_volume_xtremio::bus::{Destination, ListenerState, Message, Publisher, Verdict};
use cinder_volume_xtremio::config::MessagingOptions;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::timeout;

use super::bench::{Bench, MAIN, PATIENCE, options};
use crate::support::broker::TestBroker;
use crate::support::relay::Relay;

/// Adds a host that differs in its port only.
fn add_host(options: &mut MessagingOptions, port: u16) {
    let mut host = options.url.hosts[0].clone();
    host.port = port;
    options.url.hosts.push(host);
}

fn cast() -> Message {
    Message {
        to: Destination::TopicQueue("cinder-scheduler".into()),
        body: b"{}".to_vec(),
        expiration: None,
        mandatory: true,
    }
}

async fn send(options: &MessagingOptions) {
    let publisher = Publisher::new(options);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    assert!(publisher.publish(&cast(), deadline).await.unwrap());
    publisher.close().await;
}

/// A port that nobody listens on.
async fn dead_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn a_refusing_and_a_closing_host_are_passed_over_at_once() {
    let broker = TestBroker::new().await;
    let closing = Relay::to(([127, 0, 0, 1], broker.port()).into()).await;
    closing.cut();
    for bad in [dead_port().await, closing.addr().port()] {
        let mut options = options(&broker, bad);
        add_host(&mut options, broker.port());
        let began = Instant::now();
        // Enough of them that the bad host comes first in some.
        for _ in 0..6 {
            send(&options).await;
        }
        // One that is waited for costs 10 s.
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "{:?}",
            began.elapsed()
        );
    }
}

#[tokio::test]
async fn a_host_that_says_nothing_is_given_up_and_its_line_closed() {
    let broker = TestBroker::new().await;
    let hole = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut options = options(&broker, hole.local_addr().unwrap().port());
    options.heartbeat = Duration::from_secs(1);
    add_host(&mut options, broker.port());
    let (ended, mut ends) = unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut line, _)) = hole.accept().await {
            let ended = ended.clone();
            tokio::spawn(async move {
                let mut said = Vec::new();
                let _ = line.read_to_end(&mut said).await;
                let _ = ended.send(said);
            });
        }
    });
    let began = Instant::now();
    while ends.is_empty() {
        assert!(began.elapsed() < PATIENCE, "no line to the mute host ended");
        send(&options).await;
    }
    let said = ends.recv().await.unwrap();
    assert_eq!(said, b"AMQP\0\0\x09\x01");
}

#[tokio::test]
async fn consuming_goes_on_over_the_other_host_when_one_dies() {
    let broker = TestBroker::new().await;
    let target = ([127, 0, 0, 1], broker.port()).into();
    let (one, two) = (Relay::to(target).await, Relay::to(target).await);
    let mut options = options(&broker, one.addr().port());
    add_host(&mut options, two.addr().port());
    let mut bench = Bench::with(broker, &options, &[Verdict::Consume]).await;
    for _ in 0..2 {
        let (used, spare) = match one.accepted() > two.accepted() {
            true => (&one, &two),
            false => (&two, &one),
        };
        let before = spare.accepted();
        used.cut();
        bench
            .state(|s| matches!(s, ListenerState::Connecting(Some(_))))
            .await;
        bench
            .state(|s| matches!(s, ListenerState::Consuming(_)))
            .await;
        assert!(spare.accepted() > before);
        bench.send("openstack", MAIN, "over the other").await;
        let delivery = bench.next().await;
        assert_eq!(delivery.body, b"over the other");
        assert!(delivery.settler().ack().await.unwrap());
        used.restore();
        // Level the count, so that the next round cuts the host in use.
        while used.accepted() >= spare.accepted() {
            let _ = tokio::net::TcpStream::connect(spare.addr()).await.unwrap();
            tokio::task::yield_now().await;
        }
    }
    bench.listener.close().await;
}

#[tokio::test]
async fn every_host_is_the_first_of_some() {
    let broker = TestBroker::new().await;
    let target = ([127, 0, 0, 1], broker.port()).into();
    let relays = [Relay::to(target).await, Relay::to(target).await];
    let mut options = options(&broker, relays[0].addr().port());
    add_host(&mut options, relays[1].addr().port());
    let all = async {
        while relays.iter().any(|relay| relay.accepted() == 0) {
            send(&options).await;
        }
    };
    timeout(PATIENCE, all)
        .await
        .expect("one host was never tried first");
}

#[tokio::test]
async fn heartbeats_are_offered_as_configured() {
    let broker = TestBroker::new().await;
    // RabbitMQ offers 60 s; without a wish of ours lapin takes that.
    for (ours, agreed) in [(7, 7), (0, 60), (600, 60)] {
        let mut options = options(&broker, broker.port());
        options.heartbeat = Duration::from_secs(ours);
        let publisher = Publisher::new(&options);
        let deadline = tokio::time::Instant::now() + PATIENCE;
        assert!(publisher.publish(&cast(), deadline).await.unwrap());
        let until = Instant::now() + PATIENCE;
        loop {
            let seen = broker.connection_details().await;
            if seen.iter().any(|c| c["timeout"] == agreed) {
                break;
            }
            assert!(Instant::now() < until, "{ours}: {seen:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        publisher.close().await;
        while !broker.connections().await.is_empty() {
            assert!(
                Instant::now() < until,
                "the publishing connection stays open"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
