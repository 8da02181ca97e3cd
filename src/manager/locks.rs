//! Locks of one process, by name: they put commands on one resource in a row.
//!
//! The names are cinder-volume's (`<volume id>-delete_volume`, ...).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// Named locks. Cheap to clone; all clones share the names.
#[derive(Debug, Clone, Default)]
pub struct Locks {
    held: Arc<Mutex<HashMap<String, Weak<AsyncMutex<()>>>>>,
}

/// Holds a lock until dropped.
#[derive(Debug)]
pub struct LockGuard {
    _guard: OwnedMutexGuard<()>,
}

impl Locks {
    /// Waits until nobody else in this process holds `name`; waiters are served in order.
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
        LockGuard {
            _guard: mutex.lock_owned().await,
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
