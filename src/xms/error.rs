//! What a call to the XMS can end in, by what the caller must do about it.

use std::time::Duration;

/// A failed call. `call` names method, object type and object, e.g. `DELETE volumes name=ab12`.
#[derive(Debug, thiserror::Error)]
pub enum XmsError {
    /// The object of the call, or one named in its body, does not exist.
    #[error("{call}: no such object ({message})")]
    NotFound {
        /// The call.
        call: String,
        /// The array's words.
        message: String,
    },
    /// The name is taken.
    #[error("{call}: name in use ({message})")]
    AlreadyExists {
        /// The call.
        call: String,
        /// The array's words.
        message: String,
    },
    /// Volume and initiator group are mapped to each other already.
    #[error("{call}: mapped already ({message})")]
    AlreadyMapped {
        /// The call.
        call: String,
        /// The array's words.
        message: String,
    },
    /// The LUN asked for is not to be had in that initiator group.
    #[error("{call}: LUN not to be had ({message})")]
    LunInUse {
        /// The call.
        call: String,
        /// The array's words.
        message: String,
    },
    /// `system_is_busy`, still so after all tries; nothing was applied.
    #[error("{call}: the array stayed busy through {tries} tries")]
    Busy {
        /// The call.
        call: String,
        /// How often it was tried.
        tries: u32,
    },
    /// The array has as many objects as it can have.
    #[error("{call}: object limit of the array reached ({message})")]
    Full {
        /// The call.
        call: String,
        /// The array's words.
        message: String,
    },
    /// The volume has as many snapshots as it can have.
    #[error("{call}: snapshot limit of the volume reached ({message})")]
    SnapshotLimit {
        /// The call.
        call: String,
        /// The array's words.
        message: String,
    },
    /// The size is not one the array takes.
    #[error("{call}: size refused ({message})")]
    InvalidSize {
        /// The call.
        call: String,
        /// The array's words.
        message: String,
    },
    /// A scheduler on the array takes snapshots of the volume.
    #[error("{call}: the volume has a snapshot scheduler on the array ({message})")]
    Scheduled {
        /// The call.
        call: String,
        /// The array's words.
        message: String,
    },
    /// 401 or 403. Final: repeating it locks the account.
    #[error("the XMS refused user {user}")]
    Auth {
        /// `san_login`
        user: String,
    },
    /// The XMS manages several clusters, or another one than before, and none was named.
    #[error("the XMS manages several clusters: {}", clusters.join(", "))]
    ClusterRequired {
        /// Names of all clusters, when known.
        clusters: Vec<String>,
    },
    /// The XMS does not know the cluster that was named.
    #[error("the XMS knows no cluster {cluster:?}, its clusters are: {}", clusters.join(", "))]
    UnknownCluster {
        /// The name that was sent.
        cluster: String,
        /// Names of all clusters, when known.
        clusters: Vec<String>,
    },
    /// The XMS manages no cluster at all.
    #[error("the XMS manages no cluster")]
    NoCluster,
    /// The software is older than what is supported.
    #[error("cluster {cluster} runs XIOS {version}, 3.0.0 or later is required")]
    TooOld {
        /// Name of the cluster.
        cluster: String,
        /// `sys-sw-version`
        version: String,
    },
    /// The array does not understand the call: wrong dialect, or a fault of ours.
    #[error("{call}: not understood by the array ({message})")]
    Syntax {
        /// The call.
        call: String,
        /// The array's words.
        message: String,
    },
    /// Refused for a reason that has no variant of its own.
    #[error("{call}: refused with status {status} ({message})")]
    Refused {
        /// The call.
        call: String,
        /// HTTP status.
        status: u16,
        /// The array's words.
        message: String,
    },
    /// 5xx: the XMS restarts, or a proxy before it cannot reach it.
    #[error("{call}: the XMS failed with status {status}")]
    Unavailable {
        /// The call.
        call: String,
        /// HTTP status.
        status: u16,
    },
    /// No connection was made; nothing was sent.
    #[error("{call}: no connection to the XMS")]
    Unreachable {
        /// The call.
        call: String,
        /// The cause.
        #[source]
        source: reqwest::Error,
    },
    /// The connection broke after sending: the call may have been applied or not.
    #[error("{call}: connection lost before the whole reply came")]
    Interrupted {
        /// The call.
        call: String,
        /// The cause.
        #[source]
        source: reqwest::Error,
    },
    /// No reply within the deadline: the call may have been applied or not.
    #[error("{call}: no reply within {after:?}")]
    Timeout {
        /// The call.
        call: String,
        /// `xms_call_timeout`
        after: Duration,
    },
    /// The certificate of the XMS is not trusted.
    #[error("{call}: certificate of the XMS not accepted")]
    Certificate {
        /// The call.
        call: String,
        /// The cause.
        #[source]
        source: reqwest::Error,
    },
    /// The reply is not what the API promises.
    #[error("{call}: unreadable reply: {reason}")]
    Protocol {
        /// The call.
        call: String,
        /// What is wrong, with the path of the field.
        reason: String,
    },
    /// The client itself cannot be set up.
    #[error("XMS client: {reason}")]
    Setup {
        /// Which option is at fault, and how.
        reason: String,
    },
}

impl XmsError {
    /// Whether the same call may succeed later without anyone changing anything.
    pub fn is_transient(&self) -> bool {
        self.is_unanswered() || matches!(self, Self::Busy { .. } | Self::Unreachable { .. })
    }

    /// Whether the call may have been applied although no answer says so.
    pub fn is_unanswered(&self) -> bool {
        matches!(
            self,
            Self::Unavailable { .. } | Self::Interrupted { .. } | Self::Timeout { .. }
        )
    }

    /// Whether a volume named in the call is what does not exist.
    pub fn is_missing_volume(&self) -> bool {
        matches!(self, Self::NotFound { message, .. } if message.starts_with("vol_"))
    }

    /// Whether this casts doubt on the dialect or cluster that the call was made with.
    pub(super) fn contradicts_session(&self) -> bool {
        matches!(
            self,
            Self::ClusterRequired { .. }
                | Self::UnknownCluster { .. }
                | Self::Syntax { .. }
                | Self::Protocol { .. }
                | Self::Refused { status: 404, .. }
        )
    }
}
