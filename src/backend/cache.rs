//! What is remembered between commands to spare calls: never what a command depends on alone.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::RwLock;

use crate::xms::MappedVolume;

/// One value that is read again when it is old, by one caller at a time.
#[derive(Debug)]
pub(super) struct Fresh<T> {
    lifetime: Duration,
    slot: tokio::sync::Mutex<Option<(Instant, Arc<T>)>>,
}

impl<T> Fresh<T> {
    pub(super) fn new(lifetime: Duration) -> Self {
        Self {
            lifetime,
            slot: tokio::sync::Mutex::new(None),
        }
    }

    /// The value, from `read` if there is none that is young enough.
    pub(super) async fn get<E>(
        &self,
        read: impl Future<Output = Result<T, E>>,
    ) -> Result<Arc<T>, E> {
        let mut slot = self.slot.lock().await;
        match &*slot {
            Some((at, value)) if at.elapsed() < self.lifetime => Ok(Arc::clone(value)),
            _ => {
                *slot = None;
                let value = Arc::new(read.await?);
                *slot = Some((Instant::now(), Arc::clone(&value)));
                Ok(value)
            }
        }
    }

    /// The next caller reads anew.
    pub(super) async fn forget(&self) {
        *self.slot.lock().await = None;
    }
}

/// Names of mappings as they were when they were made or last seen: they hold indexes only, which
/// never change, so that a detach need not read the volume again. Bounded; what was seen first is
/// forgotten first.
#[derive(Debug)]
pub(super) struct SeenMappings {
    most: usize,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// By volume: initiator group and name of the mapping.
    names: HashMap<String, Vec<(u64, String)>>,
    order: VecDeque<String>,
}

impl SeenMappings {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            seen: Mutex::default(),
        }
    }

    /// Takes down what a volume is mapped to, in place of what was known before.
    pub(super) fn note(&self, volume: &str, mapped: &MappedVolume) {
        let names = mapped.lun_mapping_list.iter();
        let names: Vec<(u64, String)> = names
            .map(|m| (m.initiator_group.index, mapped.name_of(m)))
            .collect();
        let mut seen = self.seen();
        if seen.names.insert(volume.to_owned(), names).is_none() {
            seen.order.push_back(volume.to_owned());
        }
        while seen.order.len() > self.most {
            if let Some(oldest) = seen.order.pop_front() {
                seen.names.remove(&oldest);
            }
        }
    }

    /// Names of the mappings to these groups; `None` unless one of each is known.
    pub(super) fn names(&self, volume: &str, groups: &[u64]) -> Option<Vec<String>> {
        let seen = self.seen();
        let known = seen.names.get(volume)?;
        let all_known = groups
            .iter()
            .all(|group| known.iter().any(|(g, _)| g == group));
        let wanted = known.iter().filter(|(g, _)| groups.contains(g));
        all_known.then(|| wanted.map(|(_, name)| name.clone()).collect())
    }

    /// Forgets the mappings to these groups.
    pub(super) fn forget(&self, volume: &str, groups: &[u64]) {
        let mut seen = self.seen();
        if let Some(known) = seen.names.get_mut(volume) {
            known.retain(|(group, _)| !groups.contains(group));
            if known.is_empty() {
                seen.names.remove(volume);
                seen.order.retain(|name| name != volume);
            }
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Locks by name, within this process. They spare calls and refusals; other processes are met by
/// what the array refuses.
#[derive(Debug, Default)]
pub(super) struct NamedLocks {
    locks: Mutex<HashMap<String, Weak<RwLock<()>>>>,
}

impl NamedLocks {
    /// The lock of this name.
    pub(super) fn of(&self, name: &str) -> Arc<RwLock<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = locks.get(name).and_then(Weak::upgrade) {
            return lock;
        }
        // Nobody holds these: kept small without a task of its own.
        if locks.len() >= 64 && locks.len() == locks.capacity() {
            locks.retain(|_, lock| lock.strong_count() > 0);
        }
        let lock = Arc::new(RwLock::new(()));
        locks.insert(name.to_owned(), Arc::downgrade(&lock));
        lock
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn mapped(index: u64, groups: &[u64]) -> MappedVolume {
        let list: Vec<_> = groups
            .iter()
            .map(|g| serde_json::json!([["", "g", g], ["", "Default", 1], 1]))
            .collect();
        let volume = serde_json::json!({"index": index, "lun-mapping-list": list});
        serde_json::from_value(volume).unwrap()
    }

    #[tokio::test]
    async fn a_value_is_read_again_when_old_or_forgotten_and_not_before() {
        let fresh = Fresh::new(Duration::from_secs(60));
        let ok = |n: u32| async move { Ok::<_, ()>(n) };
        assert_eq!(*fresh.get(ok(1)).await.unwrap(), 1);
        assert_eq!(*fresh.get(ok(2)).await.unwrap(), 1);
        fresh.forget().await;
        assert_eq!(fresh.get(async { Err::<u32, _>(()) }).await, Err(()));
        assert_eq!(*fresh.get(ok(3)).await.unwrap(), 3);
        let stale = Fresh::new(Duration::ZERO);
        assert_eq!(*stale.get(ok(1)).await.unwrap(), 1);
        assert_eq!(*stale.get(ok(2)).await.unwrap(), 2);
    }

    #[test]
    fn names_are_known_for_all_groups_or_not_at_all() {
        let seen = SeenMappings::new(10);
        assert_eq!(seen.names("v", &[4]), None);
        seen.note("v", &mapped(24, &[4, 7]));
        assert_eq!(seen.names("v", &[7]).unwrap(), ["24_7_1"]);
        assert_eq!(seen.names("v", &[4, 7]).unwrap(), ["24_4_1", "24_7_1"]);
        assert_eq!(seen.names("v", &[4, 8]), None);
        seen.forget("v", &[4]);
        assert_eq!(seen.names("v", &[4]), None);
        assert_eq!(seen.names("v", &[7]).unwrap(), ["24_7_1"]);
    }

    #[test]
    fn the_memory_is_bounded() {
        let seen = SeenMappings::new(3);
        for n in 0..100 {
            seen.note(&format!("v{n}"), &mapped(n, &[1]));
            seen.forget(&format!("v{}", n / 2), &[1]);
        }
        let inner = seen.seen();
        assert!(inner.names.len() <= 3, "{}", inner.names.len());
        assert_eq!(inner.names.len(), inner.order.len());
        drop(inner);
        assert_eq!(seen.names("v99", &[1]).unwrap(), ["99_1_1"]);
    }

    #[test]
    fn locks_that_nobody_holds_are_dropped() {
        let locks = NamedLocks::default();
        let held = locks.of("held");
        for n in 0..10_000 {
            locks.of(&n.to_string());
        }
        assert!(Arc::ptr_eq(&held, &locks.of("held")));
        assert!(locks.locks.lock().unwrap().len() < 1000);
    }
}
