//! An image service of a test's own: as much of Glance's v2 API as a volume host uses. The
//! end-to-end tests use the real one; this one shows what was asked, and can be made to wait.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// An image.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) status: String,
    pub(crate) disk_format: String,
    pub(crate) container_format: String,
    pub(crate) data: Bytes,
    /// Beside what every image has.
    pub(crate) properties: Value,
}

#[derive(Debug, Default)]
struct State {
    images: BTreeMap<String, Stored>,
    /// Requests, as `GET /v2/images/...`.
    asked: Vec<String>,
    /// Tokens that came with them.
    tokens: Vec<String>,
}

/// The running service; ends when the last clone is dropped.
#[derive(Debug, Clone)]
pub(crate) struct TestGlance {
    pub(crate) port: u16,
    state: Arc<Mutex<State>>,
    _task: Arc<Task>,
}

#[derive(Debug)]
struct Task(JoinHandle<()>);

impl TestGlance {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(Mutex::new(State::default()));
        let served = state.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = served.clone();
                tokio::spawn(async move {
                    let service = service_fn(move |request| answer(state.clone(), request));
                    let io = TokioIo::new(stream);
                    // A client that goes away is no fault of the server.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(io, service)
                        .await;
                });
            }
        });
        let _task = Arc::new(Task(task));
        Self { port, state, _task }
    }

    /// The line of cinder.conf that leads here.
    pub(crate) fn option(&self) -> String {
        format!("glance_api_servers = http://127.0.0.1:{}", self.port)
    }

    /// An active image.
    pub(crate) fn image(&self, disk_format: &str, data: impl Into<Bytes>) -> String {
        self.put(Stored {
            status: "active".to_owned(),
            disk_format: disk_format.to_owned(),
            container_format: "bare".to_owned(),
            data: data.into(),
            properties: json!({"os_type": "linux"}),
        })
    }

    /// An image that waits for its bytes, as the API makes it for an upload.
    pub(crate) fn queued(&self, disk_format: &str) -> String {
        self.put(Stored {
            status: "queued".to_owned(),
            disk_format: disk_format.to_owned(),
            container_format: "bare".to_owned(),
            data: Bytes::new(),
            properties: json!({}),
        })
    }

    fn put(&self, image: Stored) -> String {
        let id = Uuid::new_v4().to_string();
        self.state.lock().unwrap().images.insert(id.clone(), image);
        id
    }

    /// What became of an image.
    pub(crate) fn stored(&self, id: &str) -> Option<Stored> {
        self.state.lock().unwrap().images.get(id).cloned()
    }

    /// Changes an image.
    pub(crate) fn change(&self, id: &str, change: impl FnOnce(&mut Stored)) {
        change(
            self.state
                .lock()
                .unwrap()
                .images
                .get_mut(id)
                .expect("an image"),
        );
    }

    /// How often something was asked, e.g. `GET /v2/images/<id>/file`.
    pub(crate) fn times(&self, asked: &str) -> usize {
        let state = self.state.lock().unwrap();
        state.asked.iter().filter(|one| *one == asked).count()
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn answer(
    state: Arc<Mutex<State>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let method = request.method().clone();
    let token = request.headers().get("x-auth-token").cloned();
    {
        let mut state = state.lock().unwrap();
        state.asked.push(format!("{method} {path}"));
        if let Some(token) = &token {
            state
                .tokens
                .push(token.to_str().unwrap_or_default().to_owned());
        }
    }
    if token.is_none() {
        return Ok(plain(StatusCode::UNAUTHORIZED, Bytes::new()));
    }
    let Some(rest) = path.strip_prefix("/v2/images/").map(str::to_owned) else {
        return Ok(plain(StatusCode::NOT_FOUND, Bytes::new()));
    };
    let (id, file) = match rest.split_once('/') {
        Some((id, "file")) => (id.to_owned(), true),
        _ => (rest, false),
    };
    let Some(image) = state.lock().unwrap().images.get(&id).cloned() else {
        return Ok(plain(StatusCode::NOT_FOUND, Bytes::new()));
    };
    Ok(match (method, file) {
        (Method::GET, false) => {
            let body = Bytes::from(described(&id, &image).to_string());
            plain(StatusCode::OK, body)
        }
        (Method::GET, true) => plain(StatusCode::OK, image.data),
        (Method::PUT, true) if image.status == "queued" => {
            let set = |status: &str, data: Bytes| {
                let mut state = state.lock().unwrap();
                if let Some(image) = state.images.get_mut(&id) {
                    image.status = status.to_owned();
                    image.data = data;
                }
            };
            set("saving", Bytes::new());
            match request.into_body().collect().await {
                Ok(body) => set("active", body.to_bytes()),
                // Glance takes bytes for it again.
                Err(_) => set("queued", Bytes::new()),
            }
            plain(StatusCode::NO_CONTENT, Bytes::new())
        }
        (Method::PUT, true) => plain(StatusCode::CONFLICT, Bytes::new()),
        (Method::DELETE, false) => {
            state.lock().unwrap().images.remove(&id);
            plain(StatusCode::NO_CONTENT, Bytes::new())
        }
        _ => plain(StatusCode::METHOD_NOT_ALLOWED, Bytes::new()),
    })
}

fn described(id: &str, image: &Stored) -> Value {
    let active = image.status == "active";
    let mut body = json!({
        "id": id,
        "name": "an image",
        "status": image.status,
        "size": active.then_some(image.data.len()),
        "virtual_size": null,
        "disk_format": image.disk_format,
        "container_format": image.container_format,
        "min_disk": 0,
        "min_ram": 0,
        "checksum": null,
        "os_hash_algo": null,
        "os_hash_value": null,
        "owner": "p1",
        "visibility": "shared",
        "protected": false,
        "tags": [],
        "schema": "/v2/schemas/image",
        "file": format!("/v2/images/{id}/file"),
        "self": format!("/v2/images/{id}"),
        "created_at": "2026-01-02T03:04:05Z",
        "updated_at": "2026-01-02T03:04:05Z",
    });
    if let (Some(body), Some(more)) = (body.as_object_mut(), image.properties.as_object()) {
        body.extend(more.clone());
    }
    body
}

fn plain(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response
}
