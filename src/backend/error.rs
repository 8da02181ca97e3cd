//! What can go wrong at the array, by what the manager must do about it.

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
