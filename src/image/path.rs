//! How this host reaches the bytes of a volume that was mapped to it: the agreement between the
//! two data paths (kernel initiator, userspace iSCSI) and those who copy.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::{Map, Value};

/// A mapping to this host, as the driver's `initialize_connection` returned it.
#[derive(Clone)]
pub struct Attachment {
    /// `driver_volume_type`: `iscsi` or `fibre_channel`.
    pub driver_volume_type: String,
    /// `data`; may hold CHAP secrets.
    pub data: Map<String, Value>,
    /// Size of the volume, bytes: what is found must be at least so large.
    pub size: u64,
}

/// Keys only: the values may be secrets.
impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachment")
            .field("driver_volume_type", &self.driver_volume_type)
            .field("data", &self.data.keys().collect::<Vec<_>>())
            .field("size", &self.size)
            .finish()
    }
}

/// Where bytes are read from or written to.
#[derive(Debug, Clone)]
pub enum Place {
    /// A regular file.
    File(PathBuf),
    /// A block device of the kernel; it must exist, and is never created.
    Device(PathBuf),
    /// A LUN that is reached without the kernel.
    Iscsi(IscsiLun),
}

/// A LUN as libiscsi wants to be told of it.
#[derive(Debug, Clone)]
pub struct IscsiLun {
    /// `address:port`, IPv6 in brackets.
    pub portal: String,
    /// IQN of the target.
    pub target: String,
    /// The number on the wire: flat addressing has been applied where it must.
    pub lun: u16,
    /// IQN by which the array knows this host.
    pub initiator: String,
    /// Login secrets, if the array asks for them.
    pub chap: Option<Chap>,
}

/// CHAP login.
#[derive(Debug, Clone)]
pub struct Chap {
    /// `auth_username`
    pub user: String,
    /// `auth_password`
    pub password: SecretString,
}

/// Why the bytes of a volume cannot be reached, or were not given up cleanly.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// This host or these connection data do not fit the path.
    #[error("{reason}")]
    Unusable {
        /// What is missing.
        reason: String,
    },
    /// The LUN was not found where it should be, or something else was.
    #[error("{what}")]
    NotFound {
        /// Which LUN, where, and what was seen there.
        what: String,
    },
    /// A program failed.
    #[error("{what} failed ({status}): {stderr}")]
    Failed {
        /// What it was told to do, without secrets.
        what: String,
        /// Exit code or signal.
        status: String,
        /// What it said.
        stderr: String,
    },
    /// Something took too long.
    #[error("{what} did not end within {} s", limit.as_secs_f64())]
    Deadline {
        /// What was waited for.
        what: String,
        /// How long.
        limit: Duration,
    },
    /// A file or program of this host.
    #[error("{what}: {source}")]
    Io {
        /// What was tried, on what.
        what: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Parts of it are still on this host, or data may not be on the array.
    #[error("not given up cleanly: {what}")]
    Left {
        /// What is left, and why.
        what: String,
    },
}

impl PathError {
    pub(super) fn unusable(reason: impl Into<String>) -> Self {
        Self::Unusable {
            reason: reason.into(),
        }
    }

    pub(super) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

/// One way to the bytes of mapped volumes.
///
/// Order of a copy: `connector` -> mapped by the array -> `open` -> bytes -> `close` -> unmapped.
#[async_trait]
pub trait DataPath: Send + Sync + fmt::Debug {
    /// What this host says of itself to the array: the keys of os-brick's connector.
    ///
    /// # Errors
    /// [`PathError::Unusable`] when it has no initiator for the protocol.
    async fn connector(&self) -> Result<Map<String, Value>, PathError>;

    /// Makes the LUN reachable and returns where. After an error nothing of it is left on this
    /// host.
    ///
    /// # Errors
    /// When it cannot be found, or what is found is not it.
    async fn open(&self, attachment: &Attachment) -> Result<Place, PathError>;

    /// Gives the LUN up: all that was written is on the array then. Doing it twice, or after the
    /// death of who opened it, is allowed. With `force` what is in the way is thrown away, as after
    /// a failed copy.
    ///
    /// # Errors
    /// When something of it is left, or what was written may not be on the array.
    async fn close(&self, attachment: &Attachment, force: bool) -> Result<(), PathError>;

    /// Makes an open LUN show the size that it has on the array by now, and returns that, bytes.
    /// `attachment.size` is the new size.
    ///
    /// # Errors
    /// When it cannot, or the array shows less than that.
    async fn extend(&self, attachment: &Attachment) -> Result<u64, PathError> {
        Err(PathError::unusable(format!(
            "this data path cannot extend an open {} LUN",
            attachment.driver_volume_type
        )))
    }
}
