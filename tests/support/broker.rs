//! A virtual host of its own on the RabbitMQ that `make test` started, deleted at the end.

use std::time::{Duration, Instant};

use lapin::message::BasicGetMessage;
use lapin::options::{BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};
use reqwest::{Method, StatusCode, Url};
use serde_json::{Value, json};

/// How the connections of this helper call themselves, so that tests can be told from it.
const OWN_NAME: &str = "test-broker";

/// The value of an environment variable that the scripts of `tests/lab` set.
///
/// # Panics
/// When it is missing: such a test must fail, not be skipped.
pub(crate) fn service(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: run `make test` (or `make unit`), which starts the services")
    })
}

/// One virtual host, found by `url()`; every look at it asks RabbitMQ anew.
pub(crate) struct TestBroker {
    amqp: Url,
    api: Url,
    http: reqwest::Client,
    vhost: String,
}

/// One queue as the management API shows it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Queue {
    /// Its name.
    pub(crate) name: String,
    /// Whether it outlives a restart of the broker.
    pub(crate) durable: bool,
    /// Whether it goes with its last consumer.
    pub(crate) auto_delete: bool,
    /// `x-...` arguments of its declaration.
    pub(crate) arguments: Value,
    /// Consumers at the last statistics (up to half a second old).
    pub(crate) consumers: u64,
    /// Messages, ready and unacked, at the last statistics.
    pub(crate) messages: u64,
    /// Those of them that were delivered and are not settled.
    pub(crate) unacked: u64,
}

impl TestBroker {
    /// Makes a virtual host with a name of its own.
    pub(crate) async fn new() -> Self {
        // the first caller in the process decides; all of ours use ring
        let _ = rustls::crypto::ring::default_provider().install_default();
        let broker = Self {
            amqp: service("CVX_AMQP").parse().expect("CVX_AMQP is a URL"),
            api: service("CVX_RABBIT_API")
                .parse()
                .expect("CVX_RABBIT_API is a URL"),
            http: reqwest::Client::new(),
            vhost: format!("test-{}", uuid::Uuid::new_v4()),
        };
        broker
            .api(Method::PUT, &["vhosts", &broker.vhost], None)
            .await;
        let all = json!({"configure": ".*", "write": ".*", "read": ".*"});
        let user = broker.amqp.username().to_owned();
        broker
            .api(
                Method::PUT,
                &["permissions", &broker.vhost, &user],
                Some(all),
            )
            .await;
        broker
    }

    /// The virtual host's name.
    pub(crate) fn vhost(&self) -> &str {
        &self.vhost
    }

    /// `amqp://` URL of the virtual host.
    pub(crate) fn url(&self) -> String {
        self.url_at(self.port())
    }

    /// The same as oslo.messaging's `transport_url`.
    pub(crate) fn transport_url(&self) -> String {
        self.url().replacen("amqp://", "rabbit://", 1)
    }

    /// `amqp://` URL of the virtual host through another loopback port (a relay's).
    pub(crate) fn url_at(&self, port: u16) -> String {
        let mut url = self.amqp.clone();
        url.set_port(Some(port)).expect("an amqp URL has a port");
        url.set_path(&self.vhost);
        url.into()
    }

    /// The broker's AMQP port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.amqp.port().unwrap_or(5672)
    }

    /// All queues, by name.
    pub(crate) async fn queues(&self) -> Vec<Queue> {
        let found = self.api(Method::GET, &["queues", &self.vhost], None).await;
        let found = found.as_array().expect("a list of queues").iter();
        let mut queues: Vec<Queue> = found.map(queue).collect();
        queues.sort_by(|a, b| a.name.cmp(&b.name));
        queues
    }

    /// One queue, if it is there.
    pub(crate) async fn queue(&self, name: &str) -> Option<Queue> {
        self.queues()
            .await
            .into_iter()
            .find(|queue| queue.name == name)
    }

    /// All exchanges but RabbitMQ's own, as the management API shows them.
    pub(crate) async fn exchanges(&self) -> Vec<Value> {
        let found = self
            .api(Method::GET, &["exchanges", &self.vhost], None)
            .await;
        let found = found.as_array().expect("a list of exchanges").iter();
        let own = |name: &Value| {
            name.as_str()
                .is_some_and(|n| n.is_empty() || n.starts_with("amq."))
        };
        found
            .filter(|exchange| !own(&exchange["name"]))
            .cloned()
            .collect()
    }

    /// All bindings of the virtual host, as the management API shows them.
    pub(crate) async fn bindings(&self) -> Value {
        self.api(Method::GET, &["bindings", &self.vhost], None)
            .await
    }

    /// Waits until a queue satisfies `ready`, and returns it; 30 s at most.
    pub(crate) async fn wait_for_queue(&self, name: &str, ready: impl Fn(&Queue) -> bool) -> Queue {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let seen = self.queue(name).await;
            match seen {
                Some(queue) if ready(&queue) => return queue,
                _ if Instant::now() > deadline => panic!("queue {name} after 30 s: {seen:?}"),
                // the management API can only be asked again
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Waits until the prefetch windows of a queue's consumers, smallest first, satisfy `ready`;
    /// 30 s at most.
    pub(crate) async fn wait_for_windows(&self, queue: &str, ready: impl Fn(&[u64]) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let found = self
                .api(Method::GET, &["consumers", &self.vhost], None)
                .await;
            let found = found.as_array().expect("a list of consumers").iter();
            let found = found.filter(|consumer| consumer["queue"]["name"] == queue);
            let mut windows: Vec<u64> = found
                .map(|consumer| consumer["prefetch_count"].as_u64().expect("a window"))
                .collect();
            windows.sort_unstable();
            if ready(&windows) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "windows of {queue} after 30 s: {windows:?}"
            );
            // the management API can only be asked again
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Publishes a body with properties as they are; whether a queue took it.
    pub(crate) async fn publish(
        &self,
        exchange: &str,
        routing_key: &str,
        properties: BasicProperties,
        body: &[u8],
    ) -> bool {
        let (connection, channel) = self.channel().await;
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await
            .expect("confirms");
        let options = BasicPublishOptions {
            mandatory: true,
            ..Default::default()
        };
        let sent = channel
            .basic_publish(
                exchange.into(),
                routing_key.into(),
                options,
                body,
                properties,
            )
            .await
            .expect("publish")
            .await
            .expect("confirm");
        close(&connection).await;
        matches!(sent, Confirmation::Ack(None))
    }

    /// Takes (and acks) the next message of a queue, if there is one.
    pub(crate) async fn get(&self, queue: &str) -> Option<BasicGetMessage> {
        let (connection, channel) = self.channel().await;
        let options = BasicGetOptions { no_ack: true };
        let message = channel
            .basic_get(queue.into(), options)
            .await
            .expect("basic.get");
        close(&connection).await;
        message
    }

    /// A connection and channel of the test's own on the virtual host.
    pub(crate) async fn channel(&self) -> (Connection, Channel) {
        let properties = ConnectionProperties::default().with_connection_name(OWN_NAME.into());
        let connection = Connection::connect(&self.url(), properties)
            .await
            .expect("RabbitMQ");
        let channel = connection.create_channel().await.expect("channel");
        (connection, channel)
    }

    /// Closes the connections of whom is tested, as an operator or a failing broker would:
    /// waits until RabbitMQ lists at least `count` of them and closes all it lists.
    pub(crate) async fn close_connections(&self, count: usize) {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let found = self.connections().await;
            if found.len() >= count {
                for name in found {
                    self.api(Method::DELETE, &["connections", &name], None)
                        .await;
                }
                return;
            }
            assert!(
                Instant::now() < deadline,
                "{count} connections expected, seen {found:?}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Names of the connections to the virtual host, this helper's own left out.
    pub(crate) async fn connections(&self) -> Vec<String> {
        let found = self.connection_details().await;
        let names = found.iter().filter_map(|c| c["name"].as_str());
        names.map(str::to_owned).collect()
    }

    /// The same connections as the management API shows them.
    pub(crate) async fn connection_details(&self) -> Vec<Value> {
        let found = self
            .api(Method::GET, &["vhosts", &self.vhost, "connections"], None)
            .await;
        let found = found.as_array().expect("a list of connections").iter();
        found
            .filter(|c| c["client_properties"]["connection_name"] != OWN_NAME)
            .cloned()
            .collect()
    }

    /// One call of the management API. What is gone already may be deleted again.
    async fn api(&self, method: Method, path: &[&str], body: Option<Value>) -> Value {
        let request = api_request(&self.http, &self.api, method.clone(), path, body);
        let answer = request.send().await.expect("the management API answers");
        let status = answer.status();
        let gone = method == Method::DELETE && status == StatusCode::NOT_FOUND;
        let text = answer.text().await.expect("its answer");
        assert!(
            status.is_success() || gone,
            "{method} {path:?}: {status} {text}"
        );
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }
}

impl Drop for TestBroker {
    fn drop(&mut self) {
        // a thread with a runtime of its own: the test's may be ending
        let (api, vhost) = (self.api.clone(), self.vhost.clone());
        let deletion = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.expect("a runtime").block_on(async {
                let http = reqwest::Client::new();
                let path = ["vhosts", vhost.as_str()];
                let answer = api_request(&http, &api, Method::DELETE, &path, None)
                    .send()
                    .await;
                answer
                    .expect("the management API answers")
                    .error_for_status()
                    .expect("deleted");
            });
        });
        if deletion.join().is_err() && !std::thread::panicking() {
            panic!("virtual host {} could not be deleted", self.vhost);
        }
    }
}

fn api_request(
    http: &reqwest::Client,
    api: &Url,
    method: Method,
    path: &[&str],
    body: Option<Value>,
) -> reqwest::RequestBuilder {
    let mut url = api.clone();
    url.set_username("").expect("an http URL has a user");
    url.set_password(None).expect("an http URL has a password");
    url.path_segments_mut()
        .expect("an http URL has a path")
        .pop_if_empty()
        .push("api")
        .extend(path);
    let request = http
        .request(method, url)
        .basic_auth(api.username(), api.password());
    match body {
        Some(body) => request.json(&body),
        None => request,
    }
}

async fn close(connection: &Connection) {
    connection.close(200, "done".into()).await.expect("close");
}

fn queue(shown: &Value) -> Queue {
    Queue {
        name: shown["name"]
            .as_str()
            .expect("a queue has a name")
            .to_owned(),
        durable: shown["durable"] == true,
        auto_delete: shown["auto_delete"] == true,
        arguments: shown["arguments"].clone(),
        consumers: shown["consumers"].as_u64().unwrap_or(0),
        messages: shown["messages"].as_u64().unwrap_or(0),
        unacked: shown["messages_unacknowledged"].as_u64().unwrap_or(0),
    }
}

#[tokio::test]
async fn a_virtual_host_lives_as_long_as_its_test() {
    use lapin::options::QueueDeclareOptions;
    use lapin::types::FieldTable;

    let broker = TestBroker::new().await;
    assert!(
        broker
            .transport_url()
            .starts_with("rabbit://guest:guest@127.0.0.1:")
    );
    let (connection, channel) = broker.channel().await;
    let options = QueueDeclareOptions::default();
    channel
        .queue_declare("work".into(), options, FieldTable::default())
        .await
        .unwrap();
    assert!(
        broker
            .publish("", "work", BasicProperties::default(), b"\xffraw")
            .await
    );
    assert!(
        !broker
            .publish("", "nobody", BasicProperties::default(), b"lost")
            .await
    );
    let queue = broker
        .wait_for_queue("work", |queue| queue.messages == 1)
        .await;
    assert_eq!(
        (queue.durable, queue.auto_delete, queue.consumers),
        (false, false, 0)
    );
    assert_eq!(
        broker.get("work").await.expect("the message").data,
        b"\xffraw"
    );
    assert!(broker.get("work").await.is_none());
    assert!(broker.exchanges().await.is_empty());

    let tested = Connection::connect(&broker.url(), ConnectionProperties::default())
        .await
        .unwrap();
    broker.close_connections(1).await;
    assert!(tested.create_channel().await.is_err());
    close(&connection).await;

    let (http, api, vhost) = (
        reqwest::Client::new(),
        broker.api.clone(),
        broker.vhost().to_owned(),
    );
    drop(broker);
    let gone = api_request(&http, &api, Method::GET, &["vhosts", &vhost], None)
        .send()
        .await
        .unwrap();
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
}
