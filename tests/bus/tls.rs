//! TLS to a real broker: whom we believe, and what a refusal says.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cinder_volume_xtremio::bus::{BusError, Destination, Message, Publisher};
use cinder_volume_xtremio::config::{MessagingOptions, RabbitTls};

use crate::support::broker::{TestBroker, service};
use crate::support::messaging;

/// A file beside the authority's certificate.
fn file(name: &str) -> PathBuf {
    Path::new(&service("CVX_AMQPS_CA")).with_file_name(name)
}

fn tls_port() -> u16 {
    let url: reqwest::Url = service("CVX_AMQPS").parse().unwrap();
    url.port().unwrap()
}

/// Trusts the broker's authority and names the broker as its certificate does.
fn options(broker: &TestBroker) -> MessagingOptions {
    let mut options = messaging::options("127.0.0.1", tls_port(), broker.vhost());
    // A refusal is told at once instead of tried again.
    options.reconnect_delay = Duration::from_secs(60);
    options.tls = Some(RabbitTls {
        ca_file: Some(file("ca.pem")),
        cert_file: None,
        key_file: None,
        verify_hostname: true,
    });
    options
}

fn tls(options: &mut MessagingOptions) -> &mut RabbitTls {
    options.tls.as_mut().unwrap()
}

/// Sends to a topic queue: connects, declares, publishes, waits for the confirmation.
async fn send(options: &MessagingOptions) -> Result<(), BusError> {
    let publisher = Publisher::new(options);
    let message = Message {
        to: Destination::TopicQueue("over.tls".into()),
        body: b"{}".to_vec(),
        expiration: None,
        mandatory: true,
    };
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    let sent = publisher.publish(&message, deadline).await;
    publisher.close().await;
    sent.map(|routed| assert!(routed))
}

/// The cause that the last attempt had, in words.
async fn refusal(options: &MessagingOptions) -> String {
    match send(options).await {
        Err(BusError::NotAccepted {
            source: Some(cause),
            ..
        }) => cause.to_string(),
        other => panic!("{other:?}"),
    }
}

fn says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[tokio::test]
async fn a_broker_with_the_right_authority_and_name_is_believed() {
    let broker = TestBroker::new().await;
    for host in ["127.0.0.1", "localhost"] {
        let mut options = options(&broker);
        options.url.hosts[0].host = host.into();
        send(&options).await.unwrap();
    }
    broker.wait_for_queue("over.tls", |q| q.messages == 2).await;
}

#[tokio::test]
async fn a_broker_of_another_authority_is_refused() {
    let broker = TestBroker::new().await;
    let mut options = options(&broker);
    let place = format!("127.0.0.1:{}", tls_port());
    for verify_hostname in [true, false] {
        tls(&mut options).verify_hostname = verify_hostname;
        tls(&mut options).ca_file = Some(file("other-ca.pem"));
        says(&refusal(&options).await, &[&place, "ssl_ca_file"]);
        // The system's authorities have not signed it either.
        tls(&mut options).ca_file = None;
        let text = refusal(&options).await;
        assert!(
            text.contains(&place) || text.contains("no certificate authorities"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused_unless_told_otherwise() {
    let broker = TestBroker::new().await;
    let mut options = options(&broker);
    options.url.hosts[0].host = "127.0.0.2".into();
    let text = refusal(&options).await;
    says(
        &text,
        &[
            "127.0.0.2:",
            "transport_url",
            "ssl_enforce_hostname_verification",
        ],
    );
    tls(&mut options).verify_hostname = false;
    send(&options).await.unwrap();
    // The chain still counts.
    tls(&mut options).ca_file = Some(file("other-ca.pem"));
    says(&refusal(&options).await, &["ssl_ca_file"]);
}

#[tokio::test]
async fn a_client_certificate_is_shown_and_must_be_from_the_brokers_authority() {
    let broker = TestBroker::new().await;
    let mut options = options(&broker);
    tls(&mut options).cert_file = Some(file("client.pem"));
    tls(&mut options).key_file = Some(file("client.key"));
    let publisher = Publisher::new(&options);
    let message = Message {
        to: Destination::TopicQueue("over.tls".into()),
        body: b"{}".to_vec(),
        expiration: None,
        mandatory: true,
    };
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    assert!(publisher.publish(&message, deadline).await.unwrap());
    let until = Instant::now() + Duration::from_secs(30);
    let subject = loop {
        let seen = broker.connection_details().await;
        if let Some(subject) = seen
            .first()
            .and_then(|c| c["peer_cert_subject"].as_str().map(str::to_owned))
        {
            break subject;
        }
        assert!(Instant::now() < until, "{seen:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(subject, "CN=test client");
    publisher.close().await;

    tls(&mut options).cert_file = Some(file("other-client.pem"));
    tls(&mut options).key_file = Some(file("other-client.key"));
    says(&refusal(&options).await, &["ssl_cert_file", "ssl_key_file"]);
}

#[tokio::test]
async fn each_kind_of_port_tells_that_the_other_was_meant() {
    let broker = TestBroker::new().await;
    let mut plain = options(&broker);
    plain.tls = None;
    says(
        &refusal(&plain).await,
        &["127.0.0.1:", "TLS port", "ssl = true"],
    );
    let mut over_tls = options(&broker);
    over_tls.url.hosts[0].port = broker.port();
    says(
        &refusal(&over_tls).await,
        &["127.0.0.1:", "TLS port", "transport_url"],
    );
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named() {
    let broker = TestBroker::new().await;
    let dir = tempfile::tempdir().unwrap();
    let empty = dir.path().join("empty.pem");
    std::fs::write(&empty, "no PEM").unwrap();
    for bad in [empty, dir.path().join("missing.pem")] {
        let name = bad.to_str().unwrap().to_owned();
        let mut options = options(&broker);
        tls(&mut options).ca_file = Some(bad.clone());
        says(&refusal(&options).await, &[&name]);
        tls(&mut options).ca_file = Some(file("ca.pem"));
        tls(&mut options).cert_file = Some(file("client.pem"));
        tls(&mut options).key_file = Some(bad);
        says(&refusal(&options).await, &[&name]);
    }
    // A key that does not belong to the certificate.
    let mut options = options(&broker);
    tls(&mut options).cert_file = Some(file("client.pem"));
    tls(&mut options).key_file = Some(file("other-client.key"));
    says(&refusal(&options).await, &["other-client.key"]);
}
