//! What a call to the image service can end in.

use std::io;

use crate::openstack::OpenStackError;

/// A failed call about an image.
#[derive(Debug, thiserror::Error)]
pub enum GlanceError {
    /// No such image, or none that this caller may see.
    #[error("image {image_id} not found")]
    NotFound {
        /// Id of the image.
        image_id: String,
    },
    /// The caller may not do this.
    #[error("not authorized for image {image_id}: {call} gave status {status}")]
    NotAuthorized {
        /// Id of the image.
        image_id: String,
        /// Method and resource.
        call: &'static str,
        /// 401 or 403.
        status: u16,
    },
    /// Nobody answered, also after `glance_num_retries`.
    #[error("connection to glance failed: {call}: {reason}")]
    ConnectionFailed {
        /// Method and resource.
        call: &'static str,
        /// What happened last; never a URL.
        reason: String,
    },
    /// More bytes than Glance takes, or than the project may have there.
    #[error("image {image_id}: {call}: over a limit of glance")]
    LimitExceeded {
        /// Id of the image.
        image_id: String,
        /// Method and resource.
        call: &'static str,
    },
    /// Any other answer outside 2xx.
    #[error("image {image_id}: {call} gave status {status}")]
    Refused {
        /// Id of the image.
        image_id: String,
        /// Method and resource.
        call: &'static str,
        /// HTTP status.
        status: u16,
    },
    /// The answer is not what the API promises.
    #[error("image {image_id}: {call}: unreadable answer: {reason}")]
    Protocol {
        /// Id of the image.
        image_id: String,
        /// Method and resource.
        call: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The bytes are not those that Glance has listed.
    #[error("image {image_id} is damaged: {reason}")]
    Damaged {
        /// Id of the image.
        image_id: String,
        /// Which check failed.
        reason: String,
    },
    /// A file of this host.
    #[error("image {image_id}: its file cannot be written")]
    Write {
        /// Id of the image.
        image_id: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// What was to be uploaded could not be read.
    #[error("image {image_id}: its bytes cannot be read")]
    Read {
        /// Id of the image.
        image_id: String,
        /// What the source said.
        #[source]
        source: io::Error,
    },
    /// Neither `glance_api_servers` nor the request's catalog tells where Glance is.
    #[error(
        "no address of glance: glance_api_servers is not set, and the catalog of the request has no {service_type} service"
    )]
    NoServer {
        /// As `glance_catalog_info` names it.
        service_type: String,
    },
    /// The service user's token.
    #[error("no token of [service_user]")]
    ServiceToken(#[source] OpenStackError),
    /// The client cannot be set up.
    #[error("{option}: {reason}")]
    Setup {
        /// Option at fault.
        option: &'static str,
        /// How.
        reason: String,
    },
}

impl GlanceError {
    /// Whether another server, or the same one later, may do it.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::ConnectionFailed { .. } => true,
            Self::Refused { status, .. } => matches!(status, 502..=504),
            _ => false,
        }
    }
}
