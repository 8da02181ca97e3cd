//! One round over the hosts of `transport_url`.

use std::os::fd::AsFd;
use std::time::Duration;

use lapin::tcp::{AMQPUriTcpExt, AsyncTcpStream, OwnedIdentity, OwnedTLSConfig};
use lapin::uri::{
    AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo, SASLMechanism,
};
use lapin::{Connection, ConnectionProperties};
use rand::seq::SliceRandom;
use secrecy::ExposeSecret;
use tokio::time::timeout;
use tracing::{debug, info};
use uuid::Uuid;

use super::BusError;
use super::line::{Line, Link};
use crate::config::{BrokerHost, Failover, MessagingOptions};

/// TCP connect and AMQP handshake with one host, together.
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
        let tls = self.tls()?;
        let name = format!("cinder-volume:{}:{}", std::process::id(), Uuid::new_v4());
        let properties = ConnectionProperties::default()
            .with_client_property("product".into(), "cinder-volume-xtremio".into())
            .with_client_property("purpose".into(), self.purpose.into())
            .with_connection_name(name.into());
        let runtime = lapin::runtime::default_runtime()?;
        // Given up, by the time limit or by our own end, it must not go on in the background.
        let line = Line::default();
        let (socket, reactor) = (line.socket(), runtime.clone());
        let connect = async move |uri: AMQPUri, _| {
            let plain = AMQPUri {
                scheme: AMQPScheme::AMQP,
                ..uri.clone()
            };
            let stream = plain.connect_async(&reactor).await?;
            if let AsyncTcpStream::Plain(tcp) = &stream {
                socket.keep(tcp.get_ref().as_fd())?;
            }
            Ok(match uri.scheme {
                AMQPScheme::AMQP => stream,
                AMQPScheme::AMQPS => stream.into_tls(&uri.authority.host, tls.as_ref()).await?,
            })
        };
        let connecting = Connection::connector(self.uri(host), runtime, connect, properties);
        match timeout(ATTEMPT, connecting).await {
            Ok(Ok(connection)) => Ok(Link::new(connection, line)),
            Ok(Err(error)) => Err(self.explain(host, error)),
            Err(_) => Err(BusError::Mute {
                what: "connect",
                seconds: ATTEMPT.as_secs(),
            }),
        }
    }

    fn explain(&self, host: &BrokerHost, error: lapin::Error) -> BusError {
        let place = format!("{}:{}", host.host, host.port);
        match BusError::refusal(&error) {
            Some((ACCESS_REFUSED | NOT_ALLOWED, reason)) => BusError::AccessRefused {
                host: place,
                user: host.user.clone(),
                vhost: self.options.url.vhost.clone(),
                reason,
            },
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
            scheme: if self.options.tls.is_some() {
                AMQPScheme::AMQPS
            } else {
                AMQPScheme::AMQP
            },
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
                heartbeat: Some(self.options.heartbeat.as_secs().try_into().unwrap_or(60)),
                connection_timeout: Some(5_000),
                auth_mechanism: Some(mechanism),
                ..AMQPQueryString::default()
            },
        }
    }

    fn tls(&self) -> Result<OwnedTLSConfig, BusError> {
        let Some(tls) = &self.options.tls else {
            return Ok(OwnedTLSConfig::default());
        };
        let read = |path: &std::path::Path| {
            std::fs::read(path).map_err(|source| BusError::TlsFile {
                path: path.display().to_string(),
                source,
            })
        };
        let cert_chain = match &tls.ca_file {
            Some(path) => Some(String::from_utf8_lossy(&read(path)?).into_owned()),
            None => None,
        };
        let identity = match (&tls.cert_file, &tls.key_file) {
            (Some(cert), Some(key)) => Some(OwnedIdentity::PKCS8 {
                pem: read(cert)?,
                key: read(key)?,
            }),
            _ => None,
        };
        Ok(OwnedTLSConfig {
            identity,
            cert_chain,
        })
    }
}
