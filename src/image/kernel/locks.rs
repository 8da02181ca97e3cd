//! The locks of os-brick, which all its users on this host take.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Kernel;
use crate::filelock::FileGuard;
use crate::image::path::PathError;

/// What os-brick puts before the name of each of its locks.
const PREFIX: &str = "os-brick-";
/// Longest wait for a neighbour: its own attach may wait for dead portals several times.
const LIMIT: Duration = Duration::from_secs(1800);
/// Between two tries: the kernel tells nobody when a lock ends.
const PAUSE: Duration = Duration::from_millis(50);

impl Kernel {
    /// Waits until no one else on this host holds the lock.
    pub(super) async fn lock(&self, name: &str) -> Result<FileGuard, PathError> {
        // as oslo.concurrency makes file names
        let file = format!("{PREFIX}{}", name.replace('/', "_"));
        let path = self.options.lock_path.join(file);
        let began = Instant::now();
        loop {
            let taken = FileGuard::take_off_thread(path.clone()).await;
            match taken.map_err(PathError::io(format!("locking {}", path.display())))? {
                Some(guard) => return Ok(guard),
                None if began.elapsed() > LIMIT => {
                    return Err(PathError::Deadline {
                        what: format!("waiting for the lock {}", path.display()),
                        limit: LIMIT,
                    });
                }
                None => sleep(PAUSE).await,
            }
        }
    }
}
