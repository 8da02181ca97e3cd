//! Why an image was not copied, in the words of Cinder where it has some.

use std::io;
use std::time::Duration;

use super::inspect::InspectError;

/// Why an image is refused, or a copy failed.
///
/// After any of the errors of a copy its target holds a part of the data at most, and must not be
/// taken for usable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// `ImageUnacceptable`: the image is not what it claims, or is not allowed.
    #[error("Image {image_id} is unacceptable: {reason}")]
    Unacceptable {
        /// The image in Glance.
        image_id: String,
        /// As Cinder words it; says nothing of this host.
        reason: String,
        /// Which rule of the inspection it breaks.
        #[source]
        cause: Option<InspectError>,
    },
    /// `ImageTooBig`: this host has no room for the file.
    #[error("Image {image_id} size exceeded available disk space: {reason}")]
    TooBig {
        /// The image in Glance.
        image_id: String,
        /// Which directory, and how much it has.
        reason: String,
    },
    /// `ImageConversionNotAllowed`: `image_conversion_disable`.
    #[error("Image Conversion disallowed for image {image_id}: {reason}")]
    ConversionNotAllowed {
        /// The image in Glance.
        image_id: String,
        /// Which format it has and which it had to have.
        reason: String,
    },
    /// A copy moved no bytes for too long, and was killed.
    #[error("{what} made no progress for {} s and was stopped", limit.as_secs_f64())]
    Stalled {
        /// Which copy.
        what: String,
        /// `image_copy_stall_timeout`
        limit: Duration,
    },
    /// The converter failed or was killed.
    #[error("{what} failed ({status}): {stderr}")]
    Failed {
        /// What it was told to do.
        what: String,
        /// Exit code or signal.
        status: String,
        /// The end of what it said.
        stderr: String,
    },
    /// The converter said something that cannot be understood.
    #[error("the answer of {what} cannot be read")]
    Answer {
        /// What it was asked.
        what: String,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
    /// A file or program of this host.
    #[error("{what}")]
    Io {
        /// What was tried, on what.
        what: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl ImageError {
    /// The exception that Cinder would raise: what ends a creation from an image without another
    /// try elsewhere.
    pub fn exception(&self) -> &'static str {
        match self {
            Self::Unacceptable { .. } => "ImageUnacceptable",
            Self::TooBig { .. } => "ImageTooBig",
            Self::ConversionNotAllowed { .. } => "ImageConversionNotAllowed",
            Self::Stalled { .. } | Self::Failed { .. } | Self::Answer { .. } | Self::Io { .. } => {
                "ImageCopyFailure"
            }
        }
    }

    /// `reason` of that exception. Of a failed copy it is the whole error.
    pub fn reason(&self) -> String {
        match self {
            Self::Unacceptable { reason, .. }
            | Self::TooBig { reason, .. }
            | Self::ConversionNotAllowed { reason, .. } => reason.clone(),
            Self::Stalled { .. } | Self::Failed { .. } | Self::Answer { .. } => self.to_string(),
            Self::Io { what, source } => format!("{what}: {source}"),
        }
    }

    pub(super) fn unacceptable(image_id: &str, reason: impl Into<String>) -> Self {
        Self::Unacceptable {
            image_id: image_id.to_owned(),
            reason: reason.into(),
            cause: None,
        }
    }

    pub(super) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

/// Runs what blocks where blocking is allowed, and no longer than `limit`: a device whose paths
/// are dead may block for ever.
pub(super) async fn blocking_within<T: Send + 'static>(
    limit: Duration,
    what: &str,
    work: impl FnOnce() -> Result<T, ImageError> + Send + 'static,
) -> Result<T, ImageError> {
    let stalled = |_| ImageError::Stalled {
        what: what.to_owned(),
        limit,
    };
    tokio::time::timeout(limit, blocking(what, work))
        .await
        .map_err(stalled)?
}

/// Runs what blocks where blocking is allowed.
pub(super) async fn blocking<T: Send + 'static>(
    what: &str,
    work: impl FnOnce() -> Result<T, ImageError> + Send + 'static,
) -> Result<T, ImageError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(ImageError::Io {
            what: what.to_owned(),
            source: io::Error::other(error),
        }),
    }
}
