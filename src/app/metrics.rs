//! `/metrics` over HTTP, for Prometheus.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tracing::{debug, error, info, warn};

use crate::journal::Journal;
use crate::report::{self, Metrics, Operations};
use crate::retry::Delays;

/// How long a client may take to ask, and the journal to answer.
const LIMIT: Duration = Duration::from_secs(5);
/// How long a connection may stay; Prometheus makes another.
const LONGEST: Duration = Duration::from_secs(600);
/// Connections at once; the next one waits.
const AT_ONCE: usize = 16;
/// After a connection that could not be taken, for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(200);

/// What the page is made of.
#[derive(Clone)]
pub(super) struct Page {
    pub(super) metrics: Metrics,
    pub(super) operations: Operations,
    pub(super) journal: Option<Journal>,
    pub(super) hosts: Vec<String>,
}

/// Serves for as long as it is polled. An address that is taken, by a process that is about to
/// end perhaps, is tried again: volumes are served meanwhile.
pub(super) async fn serve(address: SocketAddr, page: Page) {
    let mut delays = Delays::new(Duration::from_secs(1), Duration::from_secs(30));
    let listener = loop {
        match TcpListener::bind(address).await {
            Ok(listener) => break listener,
            Err(error) => error!(%address, %error, "metrics_listen cannot be used; trying again"),
        }
        tokio::time::sleep(delays.next_delay()).await;
    };
    match listener.local_addr() {
        Ok(address) => info!("metrics at http://{address}/metrics"),
        Err(error) => debug!(%error, "own address unknown"),
    }
    let mut connections = JoinSet::new();
    loop {
        while connections.len() >= AT_ONCE {
            connections.join_next().await;
        }
        while connections.try_join_next().is_some() {}
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                warn!(%error, "a connection for metrics is not taken");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let page = page.clone();
        connections.spawn(async move {
            let service = service_fn(|request| {
                let page = page.clone();
                async move { Ok::<_, Infallible>(page.answer(&request).await) }
            });
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(LIMIT)
                .serve_connection(TokioIo::new(stream), service);
            if let Ok(Err(error)) = tokio::time::timeout(LONGEST, served).await {
                debug!(%error, "a connection for metrics broke");
            }
        });
    }
}

impl Page {
    async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if request.uri().path() != "/metrics" {
            return respond(StatusCode::NOT_FOUND, None, "see /metrics\n".to_owned());
        }
        if ![Method::GET, Method::HEAD].contains(request.method()) {
            let allow = (ALLOW, "GET, HEAD");
            return respond(StatusCode::METHOD_NOT_ALLOWED, Some(allow), String::new());
        }
        self.ask_journal().await;
        let text = self.metrics.text(&self.operations);
        let content = (CONTENT_TYPE, report::CONTENT_TYPE);
        respond(StatusCode::OK, Some(content), text)
    }

    /// Better no figure than an old one.
    async fn ask_journal(&self) {
        let Some(journal) = &self.journal else { return };
        for host in &self.hosts {
            let asked = tokio::time::timeout(LIMIT, journal.intents(host)).await;
            let count = match asked {
                Ok(Ok(open)) => Some(open.len()),
                Ok(Err(error)) => {
                    debug!(%error, "open intents are not known");
                    None
                }
                Err(_) => None,
            };
            self.metrics.open_intents(host, count);
        }
    }
}

fn respond(
    status: StatusCode,
    header: Option<(HeaderName, &'static str)>,
    body: String,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    if let Some((name, value)) = header {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}
