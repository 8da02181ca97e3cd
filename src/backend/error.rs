//! What can go wrong at the array, by what the manager must do about it.

use crate::xms::XmsError;

/// A failure of the array, named for the decision it asks for.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// The volume is mapped, or otherwise held: Cinder's `VolumeIsBusy`.
    #[error("volume {name} is busy: {reason}")]
    VolumeIsBusy {
        /// Name on the array.
        name: String,
        /// What holds it.
        reason: String,
    },
    /// An object of that name exists and is not what was asked for.
    #[error("array object {name} exists already and differs: {reason}")]
    Conflict {
        /// Name on the array.
        name: String,
        /// How it differs.
        reason: String,
    },
    /// No such object.
    #[error("array object {name} not found")]
    NotFound {
        /// Name on the array.
        name: String,
    },
    /// The volume has as many snapshots as it can have, or may have: Cinder's
    /// `SnapshotLimitReached`.
    #[error("snapshot limit of {name} reached: {reason}")]
    SnapshotLimit {
        /// Name of the source on the array.
        name: String,
        /// The array's words, or the option that sets the limit.
        reason: String,
    },
    /// The connector lacks what this protocol needs: Cinder's `InvalidConnectorException`.
    #[error("connector lacks {missing}")]
    InvalidConnector {
        /// Key that is missing or empty.
        missing: &'static str,
    },
    /// The array is out of objects or space; another backend may do.
    #[error("array limit reached: {reason}")]
    Full {
        /// The array's words.
        reason: String,
    },
    /// Credentials refused: final, never retried in a loop.
    #[error("XMS refused the credentials of user {user}")]
    Auth {
        /// `san_login`
        user: String,
    },
    /// Wrong option, e.g. a cluster the XMS does not know.
    #[error("configuration: {reason}")]
    Config {
        /// Which option, and what is allowed.
        reason: String,
    },
    /// The array cannot be reached, or stayed busy; worth another try later.
    #[error("array unavailable: {reason}")]
    Unavailable {
        /// What was tried.
        reason: String,
        /// The last cause.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// The array refused or answered nonsense.
    #[error("array error: {reason}")]
    Array {
        /// The array's words.
        reason: String,
        /// The cause.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

impl BackendError {
    /// What a failed call means to whoever wanted something of the object `name`.
    pub(super) fn of(name: &str, error: XmsError) -> Self {
        let name = name.to_owned();
        let reason = error.to_string();
        match error {
            XmsError::NotFound { .. } => Self::NotFound { name },
            XmsError::AlreadyExists { .. }
            | XmsError::AlreadyMapped { .. }
            | XmsError::LunInUse { .. } => Self::Conflict { name, reason },
            XmsError::Scheduled { .. } => Self::VolumeIsBusy { name, reason },
            XmsError::Full { .. } => Self::Full { reason },
            XmsError::SnapshotLimit { .. } => Self::SnapshotLimit { name, reason },
            XmsError::Auth { user } => Self::Auth { user },
            XmsError::ClusterRequired { .. } | XmsError::UnknownCluster { .. } => Self::Config {
                reason: format!("xtremio_cluster_name: {reason}"),
            },
            XmsError::Certificate { source, .. } => Self::Config {
                reason: format!(
                    "driver_ssl_cert_verify / driver_ssl_cert_path: {reason}: {}",
                    crate::xms::chain(&source)
                ),
            },
            XmsError::NoCluster | XmsError::TooOld { .. } | XmsError::Setup { .. } => {
                Self::Config { reason }
            }
            XmsError::Busy { .. }
            | XmsError::Unavailable { .. }
            | XmsError::Unreachable { .. }
            | XmsError::Interrupted { .. }
            | XmsError::Timeout { .. } => Self::Unavailable {
                reason,
                source: Some(Box::new(error)),
            },
            XmsError::InvalidSize { .. }
            | XmsError::Syntax { .. }
            | XmsError::Refused { .. }
            | XmsError::Protocol { .. } => Self::Array {
                reason,
                source: Some(Box::new(error)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use std::time::Duration;

    fn variant(error: &BackendError) -> String {
        let debug = format!("{error:?}");
        debug.split([' ', '{', '(']).next().unwrap().to_owned()
    }

    #[test]
    fn every_failure_of_the_xms_asks_for_one_decision() {
        let call = || "GET volumes name=v".to_owned();
        let message = || "words".to_owned();
        let clusters = || vec!["a".to_owned(), "b".to_owned()];
        for (error, expected) in [
            (
                XmsError::NotFound {
                    call: call(),
                    message: message(),
                },
                "NotFound",
            ),
            (
                XmsError::AlreadyExists {
                    call: call(),
                    message: message(),
                },
                "Conflict",
            ),
            (
                XmsError::AlreadyMapped {
                    call: call(),
                    message: message(),
                },
                "Conflict",
            ),
            (
                XmsError::LunInUse {
                    call: call(),
                    message: message(),
                },
                "Conflict",
            ),
            (
                XmsError::Scheduled {
                    call: call(),
                    message: message(),
                },
                "VolumeIsBusy",
            ),
            (
                XmsError::Full {
                    call: call(),
                    message: message(),
                },
                "Full",
            ),
            (
                XmsError::SnapshotLimit {
                    call: call(),
                    message: message(),
                },
                "SnapshotLimit",
            ),
            (
                XmsError::Auth {
                    user: "admin".into(),
                },
                "Auth",
            ),
            (
                XmsError::ClusterRequired {
                    clusters: clusters(),
                },
                "Config",
            ),
            (
                XmsError::UnknownCluster {
                    cluster: "c".into(),
                    clusters: clusters(),
                },
                "Config",
            ),
            (XmsError::NoCluster, "Config"),
            (
                XmsError::TooOld {
                    cluster: "c".into(),
                    version: "2.4".into(),
                },
                "Config",
            ),
            (XmsError::Setup { reason: message() }, "Config"),
            (
                XmsError::Busy {
                    call: call(),
                    tries: 5,
                },
                "Unavailable",
            ),
            (
                XmsError::Unavailable {
                    call: call(),
                    status: 503,
                },
                "Unavailable",
            ),
            (
                XmsError::Timeout {
                    call: call(),
                    after: Duration::from_secs(1),
                },
                "Unavailable",
            ),
            (
                XmsError::InvalidSize {
                    call: call(),
                    message: message(),
                },
                "Array",
            ),
            (
                XmsError::Syntax {
                    call: call(),
                    message: message(),
                },
                "Array",
            ),
            (
                XmsError::Refused {
                    call: call(),
                    status: 400,
                    message: message(),
                },
                "Array",
            ),
            (
                XmsError::Protocol {
                    call: call(),
                    reason: message(),
                },
                "Array",
            ),
        ] {
            let shown = format!("{error:?}");
            assert_eq!(variant(&BackendError::of("v", error)), expected, "{shown}");
        }
    }

    #[test]
    fn the_option_at_fault_is_named() {
        let error = XmsError::ClusterRequired {
            clusters: vec!["a".into(), "b".into()],
        };
        let text = BackendError::of("xtremio1", error).to_string();
        assert!(
            text.contains("xtremio_cluster_name") && text.contains("a, b"),
            "{text}"
        );
    }
}
