//! Why a simulator did not start.

use std::io;
use std::net::SocketAddr;

use super::luns::LunError;

/// Why a simulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// An address could not be listened on.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The certificates could not be made.
    #[error("cannot make certificates")]
    Certificate(#[from] rcgen::Error),
    /// The TLS server could not be set up.
    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),
    /// The disks could not be served.
    #[error("cannot serve disks")]
    Luns(#[from] LunError),
    /// The options contradict each other.
    #[error("{0}")]
    Options(String),
}
