//! A canned XMS, and a peer that misbehaves below HTTP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cinder_volume_xtremio::backend::XtremIo;
use cinder_volume_xtremio::config::{BackendOptions, OverSubscription, Protocol};
use cinder_volume_xtremio::xms::{ClientOptions, RetryPolicy, ServerCertificate};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

pub(super) const PASSWORD: &str = "Xtrem10-s3cret";
pub(super) const V1: &str = "/api/json/types";
pub(super) const V2: &str = "/api/json/v2/types";

/// Options that reach the server at this URL, with quick retries.
pub(super) fn client(base_url: String) -> ClientOptions {
    ClientOptions {
        base_url,
        login: "admin".to_owned(),
        password: SecretString::from(PASSWORD),
        cluster_name: None,
        certificate: ServerCertificate::Unverified,
        call_timeout: Duration::from_secs(5),
        concurrency: 8,
        retry: RetryPolicy {
            busy_tries: 3,
            busy_interval: Duration::from_millis(10),
            unanswered_tries: 3,
            unanswered_pause: Duration::from_millis(5),
            unanswered_longest_pause: Duration::from_millis(20),
        },
    }
}

/// The array behind that URL.
pub(super) fn array(options: ClientOptions) -> XtremIo {
    XtremIo::with_client(options, "xtremio1", "volume-%s").expect("options")
}

/// Options of a backend section, as an untouched cinder.conf gives them.
pub(super) fn section(protocol: Protocol) -> BackendOptions {
    BackendOptions {
        name: "xtremio1".to_owned(),
        protocol,
        host: "ctl1@xtremio1".to_owned(),
        volume_backend_name: None,
        availability_zone: "nova".to_owned(),
        san_ip: "127.0.0.1".to_owned(),
        san_api_port: 443,
        san_login: "admin".to_owned(),
        san_password: SecretString::from(PASSWORD),
        cluster_name: None,
        busy_retry_count: 5,
        busy_retry_interval: Duration::from_secs(5),
        volumes_per_glance_cache: 100,
        clean_unused_ig: false,
        ports: Vec::new(),
        ssl_verify: false,
        ssl_ca: None,
        max_over_subscription_ratio: OverSubscription::Ratio(20.0),
        reserved_percentage: 0,
        thin_provision: true,
        use_chap_auth: false,
        extra_capabilities: serde_json::Map::new(),
        filter_function: None,
        goodness_function: None,
        report_discard_supported: false,
        disk_geometry: None,
        volume_copy_bps_limit: 0,
        image_copy_stall_timeout: Duration::from_secs(300),
        data_path: Default::default(),
        xms_call_timeout: Duration::from_secs(30),
        xms_concurrency: 32,
    }
}

/// A cluster as arrays show it: sizes are decimal strings in KB.
pub(super) fn cluster(name: &str, version: &str) -> Value {
    json!({"content": {
        "name": name,
        "index": 1,
        "sys-sw-version": version,
        "ud-ssd-space": "7864320000",
        "ud-ssd-space-in-use": "1048576000",
        "vol-size": "104857600",
    }, "links": []})
}

pub(super) fn list(key: &str, names: &[&str]) -> Value {
    let references: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
    json!({key: references, "links": []})
}

pub(super) fn ok(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

pub(super) fn created(object_type: &str, index: u64) -> ResponseTemplate {
    ResponseTemplate::new(201).set_body_json(json!({"links": [
        {"href": format!("https://xms/api/json/types/{object_type}/{index}"), "rel": "self"}
    ]}))
}

/// A refusal with the array's token.
pub(super) fn refusal(message: &str) -> ResponseTemplate {
    ResponseTemplate::new(400).set_body_json(json!({"message": message, "error_code": 400}))
}

/// A plain volume of that many GiB.
pub(super) fn volume(gib: u64) -> Value {
    json!({"content": {
        "name": "v1", "index": 5,
        "vol-size": (gib << 20).to_string(),
        "ancestor-vol-id": null,
        "related-consistency-groups": [],
    }})
}

/// A server that answers version detection: one cluster, the XMS from 4.0 on.
pub(super) async fn xms(cluster_version: &str, xms_version: &str) -> MockServer {
    let server = MockServer::start().await;
    detection(&server, &["xbrick"], cluster_version, xms_version).await;
    server
}

/// As [`xms`], on a server of its own clusters.
pub(super) async fn detection(
    server: &MockServer,
    names: &[&str],
    version: &str,
    xms_version: &str,
) {
    // Lists carry no `name` parameter: the mocks for single clusters come first.
    for name in names {
        Mock::given(method("GET"))
            .and(path(format!("{V1}/clusters")))
            .and(query_param("name", *name))
            .respond_with(ok(&cluster(name, version)))
            .mount(server)
            .await;
    }
    Mock::given(method("GET"))
        .and(path(format!("{V1}/clusters")))
        .respond_with(ok(&list("clusters", names)))
        .mount(server)
        .await;
    Mock::given(method("GET"))
        .and(path(format!("{V1}/xms/1")))
        .respond_with(ok(
            &json!({"content": {"sw-version": xms_version, "index": 1}}),
        ))
        .mount(server)
        .await;
}

/// Mounts `reply` for `verb` on the volumes of `types`; `times` limits how often it serves.
pub(super) async fn volumes(
    server: &MockServer,
    verb: &str,
    types: &str,
    reply: ResponseTemplate,
    times: Option<u64>,
) {
    let mock = Mock::given(method(verb))
        .and(path(format!("{types}/volumes")))
        .respond_with(reply);
    match times {
        Some(times) => mock.up_to_n_times(times).mount(server).await,
        None => mock.mount(server).await,
    }
}

/// What was asked, without version detection: `POST /api/json/v2/types/volumes?name=v1 {body}`.
pub(super) async fn asked(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.expect("recording");
    requests
        .iter()
        .filter(|r| {
            !(r.url.path().starts_with(&format!("{V1}/clusters"))
                || r.url.path().ends_with("/xms/1"))
        })
        .map(line)
        .collect()
}

pub(super) fn line(request: &Request) -> String {
    let query = request
        .url
        .query()
        .map(|q| format!("?{q}"))
        .unwrap_or_default();
    let body = String::from_utf8_lossy(&request.body);
    format!("{} {}{query} {body}", request.method, request.url.path())
        .trim_end()
        .to_owned()
}

/// What a [`Relay`] does with one connection after it has read the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Closes without handing the request on.
    DropRequest,
    /// Hands the request on and closes without handing the reply back.
    DropReply,
    /// Hands the request on and only half of the reply back.
    HalfReply,
    /// Hands both on.
    Pass,
}

/// A relay before the server that treats the first matching requests as told.
/// One request a connection: `connection: close` is what it answers.
pub(super) struct Relay {
    pub(super) address: SocketAddr,
    pub(super) seen: Arc<AtomicUsize>,
}

impl Relay {
    /// Requests that start with `prefix` meet `fates` in turn, then pass; all others pass.
    pub(super) async fn before(
        server: &MockServer,
        prefix: &'static str,
        fates: &'static [Fate],
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let address = listener.local_addr().expect("address");
        let upstream = *server.address();
        let seen = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let request = read_request(&mut near).await;
                if request.is_empty() {
                    continue;
                }
                let fate = if request.starts_with(prefix.as_bytes()) {
                    let nth = counter.fetch_add(1, Ordering::SeqCst);
                    fates.get(nth).copied().unwrap_or(Fate::Pass)
                } else {
                    Fate::Pass
                };
                if fate == Fate::DropRequest {
                    continue;
                }
                let reply = exchange(upstream, &request).await;
                let passed = match fate {
                    Fate::Pass => reply.len(),
                    Fate::HalfReply => reply.len() - 10,
                    Fate::DropReply | Fate::DropRequest => 0,
                };
                let _ = near.write_all(&reply[..passed]).await;
            }
        });
        Self { address, seen }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Head and body (by content-length) of one request.
pub(super) async fn read_request<S: tokio::io::AsyncRead + Unpin>(stream: &mut S) -> Vec<u8> {
    let mut request = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        if let Some(end) = request.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|l| l.strip_prefix("content-length: "))
                .map_or(0, |l| l.trim().parse().expect("length"));
            if request.len() >= end + 4 + length {
                return request;
            }
        }
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return Vec::new(),
            Ok(n) => request.extend_from_slice(&chunk[..n]),
        }
    }
}

/// Sends a request upstream and reads the whole reply.
async fn exchange(upstream: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut far = tokio::net::TcpStream::connect(upstream)
        .await
        .expect("upstream");
    let text = String::from_utf8_lossy(request).into_owned();
    let (first, rest) = text.split_once("\r\n").expect("request line");
    let request = format!("{first}\r\nconnection: close\r\n{rest}");
    far.write_all(request.as_bytes()).await.expect("send");
    let mut reply = Vec::new();
    far.read_to_end(&mut reply).await.expect("reply");
    reply
}
