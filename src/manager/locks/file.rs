//! Lock files that Python honours too: those of tooz's file driver, as Cinder names them.
//!
//! How such a file is locked and removed is the business of [`crate::filelock`].

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};
use tracing::{debug, info, warn};
use uuid::Uuid;

use crate::filelock::FileGuard;
use crate::retry::Delays;

/// What Cinder puts before the name of each of its locks.
const PREFIX: &str = "cinder-";
/// Longest file name of Linux file systems, in bytes.
const NAME_MAX: usize = 255;
/// The name whose file is locked once at start, to see that it can be.
const START_CHECK: &str = "start_check";
/// First pause between tries for a lock that another process holds, and by how much the next
/// ones are longer.
const PAUSE: Duration = Duration::from_millis(10);
/// Longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
/// Whoever waits for another process this long says so in the log, once.
const LONG_WAIT: Duration = Duration::from_secs(10);
/// Pauses after a failure of the file system: about the first, and about the longest.
const FAILURE_PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// Why locks cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LockError {
    /// The folder cannot be made, or no file in it can be made and locked.
    #[error("[coordination] backend_url: no lock files in {}: {cause}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the file system said.
        #[source]
        cause: io::Error,
    },
}

/// The folder of the lock files.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Uses a folder, made if it is missing, after a lock in it has worked.
    pub(super) fn new(path: &Path) -> Result<Self, LockError> {
        let folder = Self {
            path: path.to_owned(),
        };
        folder.check().map_err(|cause| LockError::Folder {
            folder: path.to_owned(),
            cause,
        })?;
        Ok(folder)
    }

    fn check(&self) -> io::Result<()> {
        let path = self.path_of(START_CHECK);
        // Held by another: one that starts at the same time, which shows as much.
        if let Some(mut guard) = FileGuard::take(path)? {
            guard.remove = true;
        }
        Ok(())
    }

    /// The file of a lock.
    fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(file_name(name))
    }

    /// Waits until no other process holds `name`, however long the file system fails. May be
    /// dropped meanwhile.
    pub(super) async fn lock(&self, name: &str) -> FileGuard {
        let path = self.path_of(name);
        let began = Instant::now();
        let mut pause = PAUSE;
        let mut said = false;
        let mut failures = Delays::new(FAILURE_PAUSES.0, FAILURE_PAUSES.1);
        loop {
            // The kernel tells nobody when a lock of this kind ends, but for a thread that is
            // blocked by it: asking again and again is the only way that neither takes a thread
            // for each waiter nor outlives the wish for the lock. fasteners does the same.
            match FileGuard::take_off_thread(path.clone()).await {
                Ok(Some(guard)) => {
                    if pause > PAUSE {
                        let waited = began.elapsed();
                        debug!(lock = name, ?waited, "another process gave the lock free");
                    }
                    return guard;
                }
                Ok(None) => {
                    if !said && began.elapsed() >= LONG_WAIT {
                        info!(
                            lock = name,
                            "waiting for another process that holds the lock"
                        );
                        said = true;
                    }
                    sleep(pause).await;
                    pause = LONGEST_PAUSE.min(pause + PAUSE);
                    failures.reset();
                }
                Err(error) => {
                    let delay = failures.next_delay();
                    warn!(
                        lock = name, file = %path.display(), %error, ?delay,
                        "cannot use the lock file: trying again"
                    );
                    sleep(delay).await;
                }
            }
        }
    }

    /// Removes the file of `name` unless somebody holds it; no error if there is none.
    pub(super) async fn remove(&self, name: &str) {
        let path = self.path_of(name);
        let removed = spawn_blocking(move || FileGuard::remove_idle(path)).await;
        match removed.unwrap_or_else(|e| Err(io::Error::other(e))) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                warn!(lock = name, %error, "cannot remove a lock file");
            }
            _ => {}
        }
    }
}

/// The file name that Cinder and tooz make of a lock's name. tooz takes names as they are, with
/// `/` and `..` in them, and refuses what then leads out of its folder; Cinder refuses what is
/// not ASCII. Names like that, which only a hostile message holds, are hashed here.
fn file_name(name: &str) -> String {
    let plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'/' | b'%');
    if name.len() <= NAME_MAX - PREFIX.len() && name.bytes().all(plain) {
        format!("{PREFIX}{name}")
    } else {
        // `%` keeps them apart from the names above.
        let hash = Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes());
        format!("{PREFIX}%{hash}")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_names_are_kept() {
        let id = "0a29bb9e-8e7a-4b1c-9a0b-6b1e7a6f0c55";
        for name in [id.to_owned(), format!("{id}-delete_volume")] {
            assert_eq!(file_name(&name), format!("cinder-{name}"));
        }
        let longest = "x".repeat(NAME_MAX - PREFIX.len());
        assert_eq!(file_name(&longest).len(), NAME_MAX);
        assert!(file_name(&format!("{longest}x")).len() < 60);
    }

    proptest! {
        #[test]
        fn any_name_is_one_file_of_the_folder(a in ".{0,300}", b in "[./%a-z\0]{0,8}") {
            for name in [&a, &b] {
                let file = file_name(name);
                prop_assert!(file.starts_with("cinder-") && file.len() <= NAME_MAX);
                prop_assert!(!file.contains(['/', '\0']));
            }
            prop_assert_eq!(file_name(&a) == file_name(&b), a == b);
        }
    }
}
