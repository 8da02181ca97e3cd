//! What can go wrong on the bus, by who must act.

use lapin::ErrorKind;

/// A failure of the bus.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// No host of `transport_url` could be reached.
    #[error("cannot reach RabbitMQ at {hosts}: {source}")]
    Unreachable {
        /// `host:port` of each host tried.
        hosts: String,
        /// The last cause.
        #[source]
        source: Box<lapin::Error>,
    },
    /// The broker refused user, password or virtual host.
    #[error(
        "RabbitMQ at {host} refused user {user} for vhost {vhost}: check transport_url and the \
         user's permissions ({reason})"
    )]
    AccessRefused {
        /// `host:port`
        host: String,
        /// User name.
        user: String,
        /// Virtual host.
        vhost: String,
        /// The broker's words.
        reason: String,
    },
    /// An exchange or queue exists with other properties than our options ask for.
    #[error(
        "{object} exists with other properties ({reason}): make amqp_durable_queues, \
         amqp_auto_delete, rabbit_quorum_queue and rabbit_transient_quorum_queue equal on all \
         services, or delete the object while it is empty"
    )]
    Mismatch {
        /// Kind and name of the object.
        object: String,
        /// The broker's words.
        reason: String,
    },
    /// A file named by the `ssl_*` options cannot be read.
    #[error("cannot read {path}: {source}")]
    TlsFile {
        /// The file.
        path: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// TLS cannot be set up at all.
    #[error("TLS to RabbitMQ: {0}")]
    TlsSetup(String),
    /// The TLS handshake failed.
    #[error("TLS with RabbitMQ at {host} failed: {reason}; {advice}")]
    Tls {
        /// `host:port`
        host: String,
        /// What TLS says.
        reason: String,
        /// What to look at.
        advice: &'static str,
    },
    /// Something answers on the port, but not in AMQP.
    #[error(
        "no AMQP from RabbitMQ at {host} ({source}): the broker may be starting, or this is its TLS \
         port, which needs ssl = true"
    )]
    NoAmqp {
        /// `host:port`
        host: String,
        /// The cause.
        #[source]
        source: Box<lapin::Error>,
    },
    /// The broker did not answer in time; the connection is given up.
    #[error("RabbitMQ did not answer {what} within {seconds} s")]
    Mute {
        /// What was asked.
        what: &'static str,
        /// How long it was waited for, seconds.
        seconds: u64,
    },
    /// The message could not be handed to the broker before its deadline.
    #[error("message for {destination} not accepted by RabbitMQ in time")]
    NotAccepted {
        /// Exchange and routing key.
        destination: String,
        /// The last cause.
        #[source]
        source: Option<Box<BusError>>,
    },
    /// Another consumer holds our host's queues.
    #[error("{0}")]
    Stranger(String),
    /// A consumer was cancelled by the broker, e.g. because its queue was deleted.
    #[error("RabbitMQ cancelled the consumer of queue {queue}")]
    Cancelled {
        /// The queue.
        queue: String,
    },
    /// Anything else lapin or the broker reports; the session starts again.
    #[error("RabbitMQ: {0}")]
    Amqp(#[from] Box<lapin::Error>),
}

impl From<lapin::Error> for BusError {
    fn from(error: lapin::Error) -> Self {
        Self::Amqp(Box::new(error))
    }
}

impl BusError {
    /// The AMQP reply code and text of a refusal by the broker, if that is what happened.
    pub(crate) fn refusal(error: &lapin::Error) -> Option<(u16, String)> {
        match error.kind() {
            ErrorKind::ProtocolError(e) => Some((e.get_id(), e.get_message().to_string())),
            _ => None,
        }
    }
}
