//! One round over the hosts of `transport_url`.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lapin::tcp::{AMQPUriTcpExt, AsyncTcpStream, RustlsConnector};
use lapin::uri::{
    AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo, SASLMechanism,
};
use lapin::{Connection, ConnectionProperties, ErrorKind};
use rand::seq::SliceRandom;
use secrecy::ExposeSecret;
use tokio::time::timeout;
use tracing::{debug, info};
use uuid::Uuid;

use super::link::{Line, Link};
use super::{BusError, tls};
use crate::config::{BrokerHost, Failover, MessagingOptions};

/// TCP connect, TLS and AMQP handshake with one host, together.
const ATTEMPT: Duration = Duration::from_secs(10);
/// AMQP reply codes for a refused login and an unknown or forbidden virtual host.
const ACCESS_REFUSED: u16 = 403;
const NOT_ALLOWED: u16 = 530;

/// Connects to one host after the other.
#[derive(Debug)]
pub(super) struct Connector {
    options: MessagingOptions,
    purpose: &'static str,
    hosts: Vec<BrokerHost>,
    next: usize,
}

impl Connector {
    /// Hosts are shuffled once for each connector, as oslo does for each connection.
    /// `purpose` ends up in the connection's name on the broker.
    pub(super) fn new(options: &MessagingOptions, purpose: &'static str) -> Self {
        let mut hosts = options.url.hosts.clone();
        hosts.shuffle(&mut rand::rng());
        Self {
            options: options.clone(),
            purpose,
            hosts,
            next: 0,
        }
    }

    /// Tries every host once, starting behind the one that was used last.
    pub(super) async fn connect(&mut self) -> Result<Link, BusError> {
        let mut last = None;
        if self.options.failover == Failover::Shuffle {
            self.hosts.shuffle(&mut rand::rng());
        }
        for _ in 0..self.hosts.len() {
            let host = self.hosts[self.next % self.hosts.len()].clone();
            self.next += 1;
            match self.attempt(&host).await {
                Ok(connection) => {
                    info!(
                        broker.host = %host.host, broker.port = host.port, purpose = self.purpose,
                        "connected to RabbitMQ"
                    );
                    return Ok(connection);
                }
                Err(error) => {
                    debug!(broker.host = %host.host, %error, "no connection to this host");
                    last = Some(error);
                }
            }
        }
        Err(last.unwrap_or(BusError::Mute {
            what: "connect",
            seconds: 0,
        }))
    }

    async fn attempt(&self, host: &BrokerHost) -> Result<Link, BusError> {
        let limit = self.patience();
        match timeout(limit, self.open(host)).await {
            Ok(result) => result,
            Err(_) => Err(BusError::Mute {
                what: "connect",
                seconds: limit.as_secs(),
            }),
        }
    }

    /// Whoever asks for quick heartbeats does not want to wait long for a dead host either.
    fn patience(&self) -> Duration {
        match self.options.heartbeat {
            Duration::ZERO => ATTEMPT,
            heartbeat => ATTEMPT.min(heartbeat),
        }
    }

    /// The line is made here and not by lapin, so that TLS follows our options to the letter,
    /// and so that whatever is given up is really closed.
    async fn open(&self, host: &BrokerHost) -> Result<Link, BusError> {
        let place = || format!("{}:{}", host.host, host.port);
        let config = match &self.options.tls {
            Some(options) => Some(tls::client_config(options)?),
            None => None,
        };
        let uri = self.uri(host);
        let runtime = lapin::runtime::default_runtime()?;
        let unreachable = |error: io::Error| BusError::Unreachable {
            hosts: place(),
            source: Box::new(error.into()),
        };
        let stream = uri.connect_async(&runtime).await.map_err(unreachable)?;
        let line = match &stream {
            AsyncTcpStream::Plain(socket) => Line::of(socket.get_ref()).map_err(unreachable)?,
            _ => return Err(BusError::TlsSetup("the line is not plain TCP".to_owned())),
        };
        let stream = match config {
            Some(config) => stream
                .into_rustls(&RustlsConnector::from(config), &host.host)
                .await
                .map_err(|error| tls::explain(place(), &error))?,
            None => stream,
        };
        let name = format!("cinder-volume:{}:{}", std::process::id(), Uuid::new_v4());
        let properties = ConnectionProperties::default()
            .with_client_property("product".into(), "cinder-volume-xtremio".into())
            .with_client_property("purpose".into(), self.purpose.into())
            .with_connection_name(name.into());
        let ready = Mutex::new(Some(stream));
        let take = async move |_, _| {
            let stream = ready.lock().unwrap_or_else(PoisonError::into_inner).take();
            stream.ok_or_else(|| io::Error::from(io::ErrorKind::ConnectionAborted).into())
        };
        let connection = Connection::connector(uri, runtime, take, properties)
            .await
            .map_err(|error| self.explain(host, error))?;
        Ok(Link::new(connection, line))
    }

    fn explain(&self, host: &BrokerHost, error: lapin::Error) -> BusError {
        let place = format!("{}:{}", host.host, host.port);
        if let Some((ACCESS_REFUSED | NOT_ALLOWED, reason)) = BusError::refusal(&error) {
            return BusError::AccessRefused {
                host: place,
                user: host.user.clone(),
                vhost: self.options.url.vhost.clone(),
                reason,
            };
        }
        match error.kind() {
            ErrorKind::IOError(cause) if self.options.tls.is_some() => {
                tls::broken_off(place, cause)
            }
            ErrorKind::IOError(_) | ErrorKind::ParsingError(_) if self.options.tls.is_none() => {
                BusError::NoAmqp {
                    host: place,
                    source: Box::new(error),
                }
            }
            _ => BusError::Unreachable {
                hosts: place,
                source: Box::new(error),
            },
        }
    }

    fn uri(&self, host: &BrokerHost) -> AMQPUri {
        let mechanism = match self.options.login_method.as_str() {
            "PLAIN" => SASLMechanism::Plain,
            "EXTERNAL" => SASLMechanism::External,
            "RABBIT-CR-DEMO" => SASLMechanism::RabbitCrDemo,
            _ => SASLMechanism::AMQPlain,
        };
        AMQPUri {
            // TLS is put on the line before lapin gets it.
            scheme: AMQPScheme::AMQP,
            authority: AMQPAuthority {
                userinfo: AMQPUserInfo {
                    username: host.user.clone(),
                    password: host.password.expose_secret().to_owned(),
                },
                host: host.host.clone(),
                port: host.port,
            },
            vhost: self.options.url.vhost.clone(),
            query: AMQPQueryString {
                // lapin takes the broker's value for a zero.
                heartbeat: Some(
                    self.options
                        .heartbeat
                        .as_secs()
                        .try_into()
                        .unwrap_or(u16::MAX),
                ),
                auth_mechanism: Some(mechanism),
                ..AMQPQueryString::default()
            },
        }
    }
}
