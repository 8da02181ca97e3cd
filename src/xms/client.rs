//! One HTTP client per XMS: pooled connections, a deadline and a permit for each call.

use std::net::Ipv6Addr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use super::error::XmsError;
use super::refusal::refusal;
use super::request::Request;
use super::send::RetryPolicy;
use super::tls::{self, ServerCertificate};
use crate::config::BackendOptions;

/// Largest reply that is read. The API has no paging; 10,000 whole volumes take about 15 MB.
const LARGEST_REPLY: usize = 256 << 20;

/// After refused credentials no call is made for so long: each further one could lock the account.
const AUTH_PAUSE: Duration = Duration::from_secs(30);

/// What a client must know about its XMS.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Scheme, host and port, without a trailing slash: `https://xms.example:443`.
    pub base_url: String,
    /// `san_login`
    pub login: String,
    /// `san_password`
    pub password: SecretString,
    /// `xtremio_cluster_name`
    pub cluster_name: Option<String>,
    /// How the certificate of the XMS is judged.
    pub certificate: ServerCertificate,
    /// Deadline of one call, from connecting to the last byte of the reply.
    pub call_timeout: Duration,
    /// Calls in flight at once.
    pub concurrency: usize,
    /// How often, and after which pauses, calls are repeated.
    pub retry: RetryPolicy,
}

impl From<&BackendOptions> for ClientOptions {
    fn from(options: &BackendOptions) -> Self {
        Self {
            base_url: base_url(&options.san_ip, options.san_api_port),
            login: options.san_login.clone(),
            password: options.san_password.clone(),
            cluster_name: options.cluster_name.clone(),
            certificate: match (options.ssl_verify, &options.ssl_ca) {
                (false, _) => ServerCertificate::Unverified,
                (true, None) => ServerCertificate::SystemAuthorities,
                (true, Some(path)) => ServerCertificate::Authorities(path.clone()),
            },
            call_timeout: options.xms_call_timeout,
            concurrency: options.xms_concurrency,
            retry: RetryPolicy {
                busy_tries: options.busy_retry_count,
                busy_interval: options.busy_retry_interval,
                ..RetryPolicy::default()
            },
        }
    }
}

/// `san_ip` may carry a port; a bare IPv6 address gets its brackets.
fn base_url(san_ip: &str, port: u16) -> String {
    let address = san_ip.trim();
    if address.parse::<Ipv6Addr>().is_ok() {
        return format!("https://[{address}]:{port}");
    }
    let after_brackets = address.rsplit(']').next().unwrap_or(address);
    if after_brackets.contains(':') {
        format!("https://{address}")
    } else {
        format!("https://{address}:{port}")
    }
}

/// Sends single calls.
#[derive(Debug)]
pub(super) struct Transport {
    http: HttpOptions,
    /// The client of the moment, and how many there were before it.
    client: Mutex<(u64, Client)>,
    base_url: String,
    login: String,
    password: SecretString,
    call_timeout: Duration,
    permits: Semaphore,
    refused_at: Mutex<Option<Instant>>,
    pub(super) retry: RetryPolicy,
}

/// What an HTTP client is made of.
#[derive(Debug)]
struct HttpOptions {
    certificate: ServerCertificate,
    base_url: String,
    connect_timeout: Duration,
    concurrency: usize,
}

impl HttpOptions {
    fn client(&self) -> Result<Client, XmsError> {
        let builder = Client::builder()
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            // Repeating is decided by kind of call, never behind our back.
            .retry(reqwest::retry::never())
            .connect_timeout(self.connect_timeout)
            .pool_max_idle_per_host(self.concurrency)
            .pool_idle_timeout(Duration::from_secs(60))
            // An idle connection that dies in silence is noticed before it is used.
            .tcp_keepalive(Duration::from_secs(15))
            .tcp_keepalive_interval(Duration::from_secs(5))
            .tcp_keepalive_retries(3);
        tls::apply(&self.certificate, &self.base_url, builder)?
            .build()
            .map_err(|error| XmsError::Setup {
                reason: chain(&error),
            })
    }
}

impl Transport {
    pub(super) fn new(options: ClientOptions) -> Result<Self, XmsError> {
        tls::install_crypto_provider();
        let http = HttpOptions {
            certificate: options.certificate,
            base_url: options.base_url.clone(),
            connect_timeout: options.call_timeout.min(Duration::from_secs(10)),
            concurrency: options.concurrency.max(1),
        };
        Ok(Self {
            client: Mutex::new((0, http.client()?)),
            permits: Semaphore::new(http.concurrency),
            http,
            base_url: options.base_url,
            login: options.login,
            password: options.password,
            call_timeout: options.call_timeout,
            refused_at: Mutex::new(None),
            retry: options.retry,
        })
    }

    /// Sends the call once and returns the body of a 2xx reply.
    pub(super) async fn once(&self, request: &Request) -> Result<Vec<u8>, XmsError> {
        let call = request.to_string();
        let Ok(_permit) = self.permits.acquire().await else {
            return Err(XmsError::Setup {
                reason: "closed".to_owned(),
            });
        };
        self.check_not_refused()?;
        let (generation, client) = self.client().clone();
        let mut builder = client
            .request(
                request.method().clone(),
                format!("{}{}", self.base_url, request.path()),
            )
            .basic_auth(&self.login, Some(self.password.expose_secret()))
            .timeout(self.call_timeout)
            .query(&request.query());
        if let Some(body) = request.body() {
            builder = builder.json(&body);
        }
        let started = Instant::now();
        let mut response = match builder.send().await {
            Ok(response) => response,
            Err(error) => return Err(self.failure(generation, call, error)),
        };
        let status = response.status();
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= LARGEST_REPLY => {
                    body.extend_from_slice(&chunk);
                }
                Ok(Some(_)) => {
                    return Err(XmsError::Protocol {
                        call,
                        reason: format!("more than {LARGEST_REPLY} bytes"),
                    });
                }
                Ok(None) => break,
                // The status of a refusal says enough without its body.
                Err(_) if !status.is_success() => {
                    body.clear();
                    break;
                }
                Err(error) => return Err(self.failure(generation, call, error)),
            }
        }
        tracing::debug!(
            xms.call = call,
            http.status = status.as_u16(),
            duration_ms = started.elapsed().as_millis() as u64,
            "XMS answered"
        );
        if status.is_success() {
            return Ok(body);
        }
        let error = refusal(call, &self.login, request.cluster(), status, &body);
        if matches!(error, XmsError::Auth { .. }) {
            *self.refused_at() = Some(Instant::now());
        }
        Err(error)
    }

    /// Names a failure of the connection by whether the call was sent.
    fn failure(&self, generation: u64, call: String, error: reqwest::Error) -> XmsError {
        let source = error.without_url();
        if source.is_connect() {
            return if certificate_refused(&source) {
                XmsError::Certificate { call, source }
            } else {
                XmsError::Unreachable { call, source }
            };
        }
        if source.is_timeout() {
            self.leave_connections(generation);
            XmsError::Timeout {
                call,
                after: self.call_timeout,
            }
        } else if source.is_builder() {
            XmsError::Setup {
                reason: chain(&source),
            }
        } else {
            XmsError::Interrupted { call, source }
        }
    }

    /// Next calls make connections of their own: where one died in silence the other pooled ones
    /// have, and each would cost a call its whole deadline.
    fn leave_connections(&self, generation: u64) {
        let mut client = self.client();
        if client.0 != generation {
            return;
        }
        match self.http.client() {
            Ok(new) => *client = (generation + 1, new),
            Err(error) => tracing::warn!(%error, "connections to the XMS cannot be replaced"),
        }
    }

    fn client(&self) -> std::sync::MutexGuard<'_, (u64, Client)> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_not_refused(&self) -> Result<(), XmsError> {
        let mut refused_at = self.refused_at();
        match *refused_at {
            Some(at) if at.elapsed() < AUTH_PAUSE => Err(XmsError::Auth {
                user: self.login.clone(),
            }),
            _ => {
                *refused_at = None;
                Ok(())
            }
        }
    }

    fn refused_at(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.refused_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// An error with all its causes, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Whether our side ended the handshake over the certificate of the XMS.
fn certificate_refused(error: &(dyn std::error::Error + 'static)) -> bool {
    if let Some(rustls::Error::InvalidCertificate(_)) = error.downcast_ref() {
        return true;
    }
    // `source` of an `io::Error` leaves out what it wraps, and they come nested.
    let wrapped = error
        .downcast_ref::<std::io::Error>()
        .and_then(|io| io.get_ref())
        .is_some_and(|inner| certificate_refused(inner));
    wrapped || error.source().is_some_and(certificate_refused)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn the_address_may_carry_its_port() {
        for (san_ip, url) in [
            ("10.0.0.1", "https://10.0.0.1:443"),
            ("xms.example:8443", "https://xms.example:8443"),
            ("fd00::1", "https://[fd00::1]:443"),
            ("[fd00::1]", "https://[fd00::1]:443"),
            ("[fd00::1]:8443", "https://[fd00::1]:8443"),
        ] {
            assert_eq!(base_url(san_ip, 443), url, "{san_ip}");
        }
    }
}
