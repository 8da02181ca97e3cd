//! Which resources the messages here are about, and when each was last named.
//!
//! A row whose message is here must not be taken for one whose message was lost.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::intent::resource_key;
use crate::rpc::Command;

/// How long a resource is remembered after the last message about it.
const MEMORY: Duration = Duration::from_secs(600);
/// Entries above which old ones are looked for.
const MANY: usize = 4096;

#[derive(Debug)]
struct Named {
    /// Messages about it that are here.
    here: usize,
    last: Instant,
}

/// Of one backend. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Mentions {
    named: Arc<Mutex<HashMap<String, Named>>>,
}

/// A message that is here; dropped with it.
#[derive(Debug)]
pub struct Mention {
    mentions: Mentions,
    keys: Vec<String>,
}

impl Mentions {
    /// Notes what a command is about, until the guard is dropped.
    pub fn note(&self, command: &Command) -> Mention {
        let keys: Vec<String> = command
            .resources()
            .into_iter()
            .filter_map(resource_key)
            .collect();
        let now = Instant::now();
        let mut named = self.lock();
        if named.len() > MANY {
            named.retain(|_, n| n.here > 0 || n.last.elapsed() < MEMORY);
        }
        for key in &keys {
            let entry = named
                .entry(key.clone())
                .or_insert(Named { here: 0, last: now });
            entry.here += 1;
            entry.last = now;
        }
        Mention {
            mentions: self.clone(),
            keys,
        }
    }

    /// Whether a message about the resource is here, or was at any time since.
    pub fn named_since(&self, key: &str, since: Instant) -> bool {
        let named = self.lock();
        named
            .get(key)
            .is_some_and(|n| n.here > 0 || n.last >= since)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Named>> {
        self.named.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Mention {
    fn drop(&mut self) {
        let mut named = self.mentions.lock();
        for key in &self.keys {
            if let Some(entry) = named.get_mut(key) {
                entry.here = entry.here.saturating_sub(1);
                entry.last = Instant::now();
            }
        }
    }
}
