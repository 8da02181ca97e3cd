//! What a call to another service can end in.

/// A failed call.
#[derive(Debug, thiserror::Error)]
pub enum OpenStackError {
    /// The section names no account.
    #[error("[{section}] sets no auth_type: there is no account to call with")]
    NoAccount {
        /// Section of the service.
        section: String,
    },
    /// The client cannot be set up.
    #[error("[{section}] {reason}")]
    Setup {
        /// Section of the service.
        section: String,
        /// Which option is at fault, and how.
        reason: String,
    },
    /// No answer.
    #[error("{call}: no answer: {reason}")]
    Unreachable {
        /// Method and service, e.g. `POST keystone tokens`.
        call: &'static str,
        /// The error of the connection with its causes; never a URL, which may hold a secret.
        reason: String,
    },
    /// An answer outside 2xx.
    #[error("{call}: refused with status {status}")]
    Refused {
        /// Method and service.
        call: &'static str,
        /// HTTP status.
        status: u16,
    },
    /// The answer is not what the API promises.
    #[error("{call}: unreadable answer: {reason}")]
    Protocol {
        /// Method and service.
        call: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The catalog has no such service.
    #[error("the catalog has no {interface} endpoint of a {service} service{}", region.as_deref().map(|r| format!(" in region {r}")).unwrap_or_default())]
    NoEndpoint {
        /// Type of the service.
        service: &'static str,
        /// `public`, `internal` or `admin`.
        interface: &'static str,
        /// The region asked for.
        region: Option<String>,
    },
}
