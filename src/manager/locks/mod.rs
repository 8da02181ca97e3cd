//! Locks by name: they put commands on one resource in a row.
//!
//! The names are cinder-volume's (`<volume id>-delete_volume`, ...). Tasks of this process queue
//! for a name in order; whose turn it is also locks the name's file, where `[coordination]
//! backend_url` names a folder, and so excludes other processes of this machine, Python or ours.

mod file;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::filelock::FileGuard;
use file::Folder;
pub use file::LockError;

/// Named locks. Cheap to clone; all clones share the names. The default ones know this process
/// only.
#[derive(Debug, Clone, Default)]
pub struct Locks {
    held: Arc<Mutex<HashMap<String, Weak<AsyncMutex<()>>>>>,
    folder: Option<Arc<Folder>>,
}

/// Holds a lock until dropped.
#[derive(Debug)]
pub struct LockGuard {
    // Dropped first: the next task in the queue finds the file free.
    file: Option<FileGuard>,
    _turn: OwnedMutexGuard<()>,
}

impl LockGuard {
    /// Removes the lock's file with the lock, for names that nobody will need again. Only once
    /// what the lock guards is gone for good: a Python process that already waits for the lock
    /// goes on with the removed file, which excludes nobody who comes later.
    pub fn remove_on_drop(&mut self) {
        if let Some(file) = &mut self.file {
            file.remove = true;
        }
    }
}

impl Locks {
    /// Locks of this process, and with a folder of this machine: files there are locked as
    /// Cinder does with a `backend_url` of `file://FOLDER`.
    ///
    /// # Errors
    ///
    /// [`LockError::Folder`] if the folder is missing and cannot be made, or if no file can be
    /// made and locked in it.
    pub fn new(folder: Option<&Path>) -> Result<Self, LockError> {
        Ok(Self {
            held: Arc::default(),
            folder: folder.map(Folder::new).transpose()?.map(Arc::new),
        })
    }

    /// Waits until nobody else holds `name`. Tasks of this process are served in order; between
    /// processes there is none. A file that cannot be used (disk full, no descriptors left) is
    /// tried again, with a warning each time, until it can. May be dropped while it waits.
    pub async fn lock(&self, name: &str) -> LockGuard {
        let mutex = {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            // Names of finished commands stay as dead entries; drop them once they outnumber use.
            if held.len() > 1024 {
                held.retain(|_, lock| lock.strong_count() > 0);
            }
            match held.get(name).and_then(Weak::upgrade) {
                Some(mutex) => mutex,
                None => {
                    let mutex = Arc::new(AsyncMutex::new(()));
                    held.insert(name.to_owned(), Arc::downgrade(&mutex));
                    mutex
                }
            }
        };
        let turn = mutex.lock_owned().await;
        let file = match &self.folder {
            Some(folder) => Some(folder.lock(name).await),
            None => None,
        };
        LockGuard { file, _turn: turn }
    }

    /// Removes the file of a lock that the caller does not hold, under the condition that
    /// [`LockGuard::remove_on_drop`] names. A file that somebody holds stays, and so does one
    /// that cannot be removed, with a warning.
    pub async fn remove(&self, name: &str) {
        if let Some(folder) = &self.folder {
            folder.remove(name).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn one_holder_at_a_time_and_names_do_not_meet() {
        let locks = Locks::default();
        let inside = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let (locks, inside) = (locks.clone(), inside.clone());
                tokio::spawn(async move {
                    let _guard = locks.lock("v1-delete_volume").await;
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    tokio::task::yield_now().await;
                    inside.fetch_sub(1, Ordering::SeqCst);
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap_or_else(|e| panic!("{e}"));
        }
        let _one = locks.lock("a").await;
        let _other = locks.lock("b").await;
    }

    #[tokio::test]
    async fn forgotten_names_do_not_pile_up() {
        let locks = Locks::default();
        for i in 0..5000 {
            drop(locks.lock(&i.to_string()).await);
        }
        let held = locks.held.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(held.len() <= 1025, "{}", held.len());
    }
}
