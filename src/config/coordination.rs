//! `[coordination]` and the lock directory.

use std::path::PathBuf;

/// What `backend_url` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockBackend {
    /// `file://DIR`: fcntl locks under this directory.
    File(PathBuf),
    /// Any other scheme: one process may run with in-process locks only.
    Foreign(String),
}

/// Options of `[coordination]`.
#[derive(Debug, Clone)]
pub struct CoordinationOptions {
    /// `backend_url` (default `file://$state_path`).
    pub backend: LockBackend,
}
