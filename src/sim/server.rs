//! Connections and requests of the HTTPS side.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::stream;
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderValue, WWW_AUTHENTICATE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::admin;
use super::auth::Account;
use super::faults::{self, Fault, FaultAction, Seen};
use super::luns::{self, Luns};
use super::query::Query;
use super::refusal::Refusal;
use super::request::{Request, Route, read_body};
use super::state::Xms;
use super::stats::{Stats, count};
use super::version::{Kind, XmsVersion};

/// The connection is to be dropped without a (whole) answer.
#[derive(Debug, thiserror::Error)]
#[error("connection cut on demand")]
pub(crate) struct Cut;

type Answer = Response<UnsyncBoxBody<Bytes, Cut>>;

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) version: XmsVersion,
    pub(crate) account: Account,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
    pub(crate) latency_ms: AtomicU64,
    /// The disks, if there are any.
    pub(crate) luns: Option<Arc<Luns>>,
    xms: Mutex<Xms>,
    faults: Mutex<Vec<Fault>>,
    faults_cleared: watch::Sender<()>,
    stats: Mutex<Stats>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(xms: Xms, account: Account, luns: Option<Arc<Luns>>) -> Self {
        Self {
            version: xms.version,
            account,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            latency_ms: AtomicU64::new(0),
            luns,
            xms: Mutex::new(xms),
            faults: Mutex::new(Vec::new()),
            faults_cleared: watch::Sender::new(()),
            stats: Mutex::new(Stats::default()),
        }
    }

    pub(crate) fn xms(&self) -> MutexGuard<'_, Xms> {
        lock(&self.xms)
    }

    pub(crate) fn stats(&self) -> MutexGuard<'_, Stats> {
        lock(&self.stats)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Vec<Fault>> {
        lock(&self.faults)
    }

    /// Clears the faults and lets requests go on that hang.
    pub(crate) fn clear_faults(&self) {
        self.faults().clear();
        self.faults_cleared.send_replace(());
    }
}

/// Accepts connections until stopped. Without an acceptor: the admin side.
pub(crate) async fn accept(shared: Arc<Shared>, listener: TcpListener, tls: Option<TlsAcceptor>) {
    loop {
        let accepted = tokio::select! {
            () = shared.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        // A failed accept concerns a connection that is gone already.
        let Ok((stream, _)) = accepted else { continue };
        let (task, tls) = (shared.clone(), tls.clone());
        shared.tasks.spawn(async move {
            tokio::select! {
                () = task.stop.cancelled() => {}
                () = connection(&task, stream, tls) => {}
            }
        });
    }
}

async fn connection(shared: &Arc<Shared>, stream: TcpStream, tls: Option<TlsAcceptor>) {
    // Small answers must not wait for acknowledgements; without the option it is only slower.
    let _ = stream.set_nodelay(true);
    match tls {
        None => serve_admin(shared, stream).await,
        Some(tls) => {
            shared.stats().connections += 1;
            // A client that does not trust us goes away here; it knows why.
            if let Ok(stream) = tls.accept(stream).await {
                shared.stats().handshakes += 1;
                serve_xms(shared, stream).await;
            }
        }
    }
}

async fn serve_xms(shared: &Arc<Shared>, stream: TlsStream<TcpStream>) {
    let service = service_fn(|request| answer(shared, request));
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    if Pin::new(&mut connection).await.is_err() {
        // The client went away, or it is to be cut: a reset is what it shall see, not an end.
        let stream = connection.into_parts().io.into_inner();
        let _ = stream.get_ref().0.set_zero_linger();
    }
}

async fn serve_admin(shared: &Arc<Shared>, stream: TcpStream) {
    let service = service_fn(|request: hyper::Request<Incoming>| async move {
        let (parts, body) = request.into_parts();
        let (status, reply) = match body.collect().await {
            Ok(body) => answer_admin(shared, &parts, &body.to_bytes()).await,
            Err(error) => (400, json!({"message": error.to_string()})),
        };
        Ok::<_, Infallible>(whole(status, &reply))
    });
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer_admin(
    shared: &Shared,
    parts: &hyper::http::request::Parts,
    body: &[u8],
) -> (u16, Value) {
    let (method, path) = (&parts.method, parts.uri.path());
    if path.starts_with("/luns") {
        return luns::admin::answer(shared, method, path, body).await;
    }
    let query = parts.uri.query().unwrap_or_default();
    let answer = admin::answer(shared, method, path, query, body);
    if let Some(luns) = &shared.luns
        && path == "/reset"
        && let Err(error) = luns.catch_up(shared).await
    {
        return (500, json!({"message": error.to_string()}));
    }
    answer
}

fn whole(status: u16, body: &Value) -> Answer {
    let body = Bytes::from(body.to_string());
    respond(
        status,
        "application/json",
        Full::new(body).map_err(never).boxed_unsync(),
    )
}

fn never(never: Infallible) -> Cut {
    match never {}
}

fn respond(status: u16, content: &'static str, body: UnsyncBoxBody<Bytes, Cut>) -> Answer {
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content));
    if status == 401 {
        let challenge = HeaderValue::from_static("Basic realm=\"XMS\"");
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

/// Announces a whole body, sends half of it, and cuts.
fn half(status: u16, body: &Value) -> Answer {
    let bytes = Bytes::from(body.to_string());
    let frames = [Ok(Frame::data(bytes.slice(..bytes.len() / 2))), Err(Cut)];
    let body = StreamBody::new(stream::iter(frames)).boxed_unsync();
    let mut response = respond(status, "application/json", body);
    response
        .headers_mut()
        .insert(CONTENT_LENGTH, bytes.len().into());
    response
}

async fn answer(shared: &Shared, request: hyper::Request<Incoming>) -> Result<Answer, Cut> {
    let (parts, body) = request.into_parts();
    let bytes = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let route = Route::parse(parts.uri.path(), shared.version);
    let kind = route
        .as_ref()
        .map(|route| route.kind.map_or("types", Kind::wire));
    {
        let mut stats = shared.stats();
        stats.requests += 1;
        let name = kind.unwrap_or("unknown");
        count(&mut stats.by_type, format!("{} {name}", parts.method));
    }
    let latency = shared.latency_ms.load(Ordering::Relaxed);
    if latency > 0 {
        tokio::time::sleep(Duration::from_millis(latency)).await;
    }
    if !shared.account.admits(&parts.headers) {
        shared.stats().auth_failures += 1;
        let refusal = Refusal::with_status(401, "Unauthorized");
        return Ok(whole(401, &refusal.body()));
    }
    let prepared = prepare(shared, &parts, route, &bytes);
    let action = match take_fault(shared, &parts.method, kind, prepared.as_ref().ok()) {
        None => None,
        Some((action, cleared)) => match before_serving(action, cleared).await {
            Some(early) => return early,
            None => Some(action),
        },
    };
    let served = match prepared {
        Ok(request) => serve(shared, &request).await,
        Err(refusal) => Err(refusal),
    };
    let (status, reply) = served.unwrap_or_else(|refusal| {
        if let Some(key) = &refusal.rejected_key {
            count(&mut shared.stats().rejected_keys, key);
        }
        (refusal.status, refusal.body())
    });
    match action {
        Some(FaultAction::ResetAfter) => Err(Cut),
        Some(FaultAction::Truncate) => Ok(half(status, &reply)),
        _ => Ok(whole(status, &reply)),
    }
}

/// Carries a request out; disks have followed when it returns.
async fn serve(shared: &Shared, request: &Request) -> Result<(u16, Value), Refusal> {
    let luns = match &shared.luns {
        Some(luns) if request.method != Method::GET => luns,
        Some(_) => return request.serve(&mut shared.xms()),
        None => {
            let mut xms = shared.xms();
            let served = request.serve(&mut xms);
            // Nobody wants to know which volumes were copied.
            for cluster in &mut xms.clusters {
                cluster.copied.clear();
            }
            return served;
        }
    };
    let turn = luns.turn().await;
    let (served, followed) = {
        let mut xms = shared.xms();
        let served = request.serve(&mut xms);
        (served, luns.follow(turn, &mut xms))
    };
    if let Err(error) = followed.await {
        tracing::error!("the disks do not follow the array: {error}");
        return Err(Refusal::with_status(500, error.to_string()));
    }
    served
}

/// The fault that befalls a request, and what tells that faults were cleared.
fn take_fault(
    shared: &Shared,
    method: &Method,
    kind: Option<&str>,
    request: Option<&Request>,
) -> Option<(FaultAction, watch::Receiver<()>)> {
    let in_path = request.and_then(Request::path_name);
    let in_query = request.and_then(|request| request.query.name.as_deref());
    let seen = Seen {
        method,
        kind,
        url_name: in_query.or(in_path.as_deref()),
        body: request.map(|request| &request.body),
    };
    let mut faults = shared.faults();
    let action = faults::take(&mut faults, &seen)?;
    shared.stats().faults += 1;
    // Subscribed under the lock, so that no clearing slips in between.
    Some((action, shared.faults_cleared.subscribe()))
}

/// What a fault does before the request is served; Some if it is not served at all.
async fn before_serving(
    action: FaultAction,
    mut cleared: watch::Receiver<()>,
) -> Option<Result<Answer, Cut>> {
    match action {
        FaultAction::Busy => Some(Ok(whole(400, &Refusal::new("system_is_busy").body()))),
        FaultAction::Full => Some(Ok(whole(400, &Refusal::new("too_many_objs").body()))),
        FaultAction::Status(status) => {
            let page = Full::new(Bytes::from_static(b"<html>out of order</html>"));
            let page = page.map_err(never).boxed_unsync();
            Some(Ok(respond(status, "text/html", page)))
        }
        FaultAction::ResetBefore => Some(Err(Cut)),
        FaultAction::Hang => {
            // The sender lives as long as its connections: no error can come.
            let _ = cleared.changed().await;
            None
        }
        FaultAction::DelayMs(ms) => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            None
        }
        FaultAction::ResetAfter | FaultAction::Truncate => None,
    }
}

/// Reads URL and body, and counts what they tell about the client.
fn prepare(
    shared: &Shared,
    parts: &hyper::http::request::Parts,
    route: Option<Route>,
    bytes: &[u8],
) -> Result<Request, Refusal> {
    let route = route.ok_or_else(Refusal::unknown_url)?;
    let query = Query::parse(
        parts.uri.query().unwrap_or_default(),
        route.api,
        shared.version,
    )?;
    {
        let mut stats = shared.stats();
        for name in &query.unknown {
            count(&mut stats.unknown_query, name);
        }
        let list = route.object.is_none() && query.name.is_none() && query.filters.is_empty();
        if let Some(kind) = route.kind.filter(|_| list && parts.method == Method::GET) {
            count(&mut stats.unfiltered_lists, kind.wire());
        }
    }
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    Ok(Request {
        method: parts.method.clone(),
        route,
        query,
        body: read_body(&parts.method, bytes)?,
        origin: format!("https://{}", host.unwrap_or("localhost")),
    })
}
