//! `[coordination]` and the lock directory.

use std::path::{Path, PathBuf};

use super::option::Opt;
use super::reader::Reader;

/// What `backend_url` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockBackend {
    /// `file://DIR`: fcntl locks under this directory.
    File(PathBuf),
    /// Any other scheme (its name, e.g. `etcd3+http`): one process may run with in-process locks only.
    Foreign(String),
}

impl LockBackend {
    /// Where lock files are kept, if they are.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::File(folder) => Some(folder),
            Self::Foreign(_) => None,
        }
    }
}

/// Options of `[coordination]`.
#[derive(Debug, Clone)]
pub struct CoordinationOptions {
    /// `backend_url` (default `file://$state_path`).
    pub backend: LockBackend,
}

/// Reads `backend_url`.
pub(super) fn read(r: &mut Reader<'_>, state_path: &Path) -> CoordinationOptions {
    // Secret: an etcd or redis URL may hold credentials.
    let opt = Opt::new("coordination", "backend_url").secret();
    let Some((text, origin)) = r.filled(&opt) else {
        return CoordinationOptions {
            backend: LockBackend::File(state_path.to_owned()),
        };
    };
    let backend = match text.split_once("://") {
        // As tooz: the scheme in any case, options and a fragment are not part of the path, and
        // nothing in it is percent-encoded.
        Some((scheme, path)) if scheme.eq_ignore_ascii_case("file") => {
            let path = path.split(['?', '#']).next().unwrap_or_default();
            if !path.starts_with('/') {
                r.fault(
                    &opt,
                    Some(&origin),
                    "the directory is not absolute",
                    "file:///DIRECTORY",
                );
            }
            LockBackend::File(PathBuf::from(path))
        }
        Some((scheme, _)) if !scheme.is_empty() => LockBackend::Foreign(scheme.to_owned()),
        _ => {
            r.fault(
                &opt,
                Some(&origin),
                "is not a URL",
                "file:///DIRECTORY, or SCHEME://... for one process",
            );
            LockBackend::File(state_path.to_owned())
        }
    };
    CoordinationOptions { backend }
}
