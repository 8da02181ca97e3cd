//! The publisher and the replies against a real broker.

use std::time::Duration;

use cinder_volume_xtremio::bus::{Destination, Inbox, Message, Publisher, Replies};
use cinder_volume_xtremio::config::MessagingOptions;
use tokio::time::{Instant, timeout};

use crate::support::broker::TestBroker;
use crate::support::messaging;
use crate::support::relay::Relay;

fn message(to: Destination, mandatory: bool) -> Message {
    Message {
        to,
        body: b"{}".to_vec(),
        expiration: None,
        mandatory,
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

fn options(broker: &TestBroker) -> MessagingOptions {
    messaging::options("127.0.0.1", broker.port(), broker.vhost())
}

#[tokio::test]
async fn an_unroutable_message_is_told_from_a_routed_one_among_many() {
    let broker = TestBroker::new().await;
    let publisher = Publisher::new(&options(&broker));
    let (_connection, channel) = broker.channel().await;
    channel
        .queue_declare("here".into(), Default::default(), Default::default())
        .await
        .unwrap();
    let tasks: Vec<_> = (0..200)
        .map(|n| {
            let publisher = publisher.clone();
            tokio::spawn(async move {
                let there = n % 3 == 0;
                let queue = if there { "here" } else { "nowhere" };
                let message = message(Destination::Queue(queue.into()), true);
                (there, publisher.publish(&message, soon()).await.unwrap())
            })
        })
        .collect();
    for task in tasks {
        let (there, routed) = task.await.unwrap();
        assert_eq!(there, routed);
    }
    broker.wait_for_queue("here", |q| q.messages == 67).await;
    publisher.close().await;
}

#[tokio::test]
async fn properties_are_those_peers_insist_on() {
    let broker = TestBroker::new().await;
    let publisher = Publisher::new(&options(&broker));
    let mut call = message(Destination::TopicQueue("notifications.info".into()), false);
    call.expiration = Some(Duration::from_millis(2500));
    call.body = br#"{"a": "\u00e9"}"#.to_vec();
    assert!(publisher.publish(&call, soon()).await.unwrap());
    let got = broker.get("notifications.info").await.unwrap().delivery;
    assert_eq!(got.data, call.body);
    let p = got.properties;
    assert_eq!(
        p.content_type().as_ref().unwrap().as_str(),
        "application/json"
    );
    assert_eq!(p.content_encoding().as_ref().unwrap().as_str(), "utf-8");
    assert_eq!((*p.delivery_mode(), *p.priority()), (Some(2), Some(0)));
    assert_eq!(p.expiration().as_ref().unwrap().as_str(), "2500");
    publisher.close().await;
}

#[tokio::test]
async fn sending_goes_on_after_a_closed_connection_and_a_cut_line() {
    let broker = TestBroker::new().await;
    let relay = Relay::to(([127, 0, 0, 1], broker.port()).into()).await;
    let mut options = options(&broker);
    options.url.hosts[0].port = relay.addr().port();
    let publisher = Publisher::new(&options);
    let cast = message(Destination::TopicQueue("cinder-scheduler".into()), true);
    assert!(publisher.publish(&cast, soon()).await.unwrap());
    broker.close_connections(1).await;
    assert!(publisher.publish(&cast, soon()).await.unwrap());
    relay.cut();
    let sending = tokio::spawn({
        let (publisher, cast) = (publisher.clone(), cast.clone());
        async move { publisher.publish(&cast, soon()).await }
    });
    relay.restore();
    assert!(sending.await.unwrap().unwrap());
    broker
        .wait_for_queue("cinder-scheduler", |q| q.messages >= 3)
        .await;
    publisher.close().await;
}

#[tokio::test]
async fn sending_goes_on_after_a_line_that_died_in_silence() {
    let broker = TestBroker::new().await;
    let relay = Relay::to(([127, 0, 0, 1], broker.port()).into()).await;
    let options = messaging::options("127.0.0.1", relay.addr().port(), broker.vhost());
    let publisher = Publisher::new(&options);
    let to = Destination::TopicQueue("kept.info".into());
    assert!(
        publisher
            .publish(&message(to.clone(), true), soon())
            .await
            .unwrap()
    );
    relay.strand();
    assert!(
        publisher.publish(&message(to, true), soon()).await.unwrap(),
        "not sent again"
    );
    broker
        .wait_for_queue("kept.info", |q| q.messages == 2)
        .await;
    // The dead line gets a moment for lapin's farewell, then its socket ends.
    let ended = async {
        while relay.hung_up() == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(10), ended)
        .await
        .expect("the socket of the dead line is still open");
    assert_eq!((relay.accepted(), relay.hung_up()), (2, 1));
    publisher.close().await;
}

#[tokio::test]
async fn nothing_is_promised_after_the_deadline() {
    let broker = TestBroker::new().await;
    let relay = Relay::to(([127, 0, 0, 1], broker.port()).into()).await;
    let mut options = options(&broker);
    options.url.hosts[0].port = relay.addr().port();
    let publisher = Publisher::new(&options);
    relay.cut();
    let cast = message(Destination::Topic("cinder-scheduler".into()), false);
    let deadline = Instant::now() + Duration::from_millis(700);
    let error = publisher.publish(&cast, deadline).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("not accepted by RabbitMQ in time"),
        "{error}"
    );
    assert!(Instant::now() < deadline + Duration::from_secs(2));
}

#[tokio::test]
async fn a_reply_waits_for_its_queue_and_gives_up_in_the_end() {
    let broker = TestBroker::new().await;
    let mut options = options(&broker);
    options.reply_retry_timeout = Duration::from_millis(800);
    let replies = Replies::new(Publisher::new(&options), &options);
    assert!(!replies.send("reply_gone", b"{}".to_vec()).await.unwrap());
    assert!(replies.is_gone("reply_gone"));
    let began = Instant::now();
    assert!(!replies.send("reply_gone", b"{}".to_vec()).await.unwrap());
    assert!(
        began.elapsed() < Duration::from_millis(400),
        "a known missing queue was waited for"
    );

    options.reply_retry_timeout = Duration::from_secs(30);
    let replies = Replies::new(Publisher::new(&options), &options);
    let sending = tokio::spawn(async move { replies.send("reply_late", b"{}".to_vec()).await });
    let (_connection, channel) = broker.channel().await;
    channel
        .queue_declare("reply_late".into(), Default::default(), Default::default())
        .await
        .unwrap();
    assert!(sending.await.unwrap().unwrap());

    let replies = Replies::new(Publisher::new(&options), &options);
    let waiting = tokio::spawn({
        let replies = replies.clone();
        async move { replies.send("reply_never", b"{}".to_vec()).await }
    });
    replies.hurry();
    let ended = timeout(Duration::from_secs(10), waiting).await;
    assert!(
        !ended
            .expect("a stop waits for a missing queue")
            .unwrap()
            .unwrap()
    );
}

#[tokio::test]
async fn a_reply_queue_hears_its_replies_and_goes_with_its_owner() {
    let broker = TestBroker::new().await;
    let options = options(&broker);
    let mut queue = Inbox::for_replies(&options, "test").await.unwrap();
    let name = queue.name().to_owned();
    let publisher = Publisher::new(&options);
    let reply = message(Destination::Queue(name.clone()), true);
    assert!(publisher.publish(&reply, soon()).await.unwrap());
    let body = timeout(Duration::from_secs(30), queue.next())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(body, b"{}");
    queue.close().await.unwrap();
    assert!(broker.queue(&name).await.is_none());
}

#[tokio::test]
async fn what_is_sent_to_all_of_a_topic_reaches_every_inbox() {
    let broker = TestBroker::new().await;
    let options = options(&broker);
    let mut first = Inbox::for_fanout(&options, "cinder-scheduler", "a")
        .await
        .unwrap();
    let mut second = Inbox::for_fanout(&options, "cinder-scheduler", "b")
        .await
        .unwrap();
    let publisher = Publisher::new(&options);
    let report = message(Destination::Fanout("cinder-scheduler".into()), false);
    assert!(publisher.publish(&report, soon()).await.unwrap());
    for inbox in [&mut first, &mut second] {
        let body = timeout(Duration::from_secs(30), inbox.next())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(body, b"{}");
    }
    let name = first.name().to_owned();
    first.close().await.unwrap();
    assert!(broker.queue(&name).await.is_none());
    second.close().await.unwrap();
}
