//! What runs now: commands under way, what each of them does or waits for, how far a copy is.
//!
//! All of it is in memory and gone with the process: whoever must not forget reads the journal.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use chrono::{DateTime, Utc};

use super::metrics::{Direction, Metrics, Outcome};
use super::operation_view::{CopyProgress, CopyView, OperationView};

/// The commands under way in this process. Clones show and tell the same.
#[derive(Debug, Clone, Default)]
pub struct Operations {
    entries: Arc<Mutex<BTreeMap<u64, Arc<Entry>>>>,
    last: Arc<AtomicU64>,
    metrics: Metrics,
}

/// What a command is, when it begins.
#[derive(Debug, Clone)]
pub struct Beginning<'a> {
    /// `host@backend`
    pub host: &'a str,
    /// Name on the wire; one of ours, not what some message says.
    pub method: &'static str,
    /// `volume/<id>` and the like; `None` for what concerns the host.
    pub resource: Option<String>,
    /// `req-...`
    pub request_id: &'a str,
}

/// One command under way; gone from the table when dropped.
#[derive(Debug)]
pub struct Operation {
    id: u64,
    entry: Arc<Entry>,
    all: Operations,
}

/// A step that an operation is in until this is dropped; then it is in the one before again.
#[derive(Debug)]
#[must_use = "the step ends when this is dropped"]
pub struct StepGuard {
    entry: Arc<Entry>,
    id: u64,
}

/// A copy that is watched until this is dropped.
#[derive(Debug)]
#[must_use = "the copy is forgotten when this is dropped"]
pub struct CopyGuard {
    entry: Arc<Entry>,
    id: u64,
}

#[derive(Debug)]
struct Entry {
    host: String,
    method: &'static str,
    resource: Option<String>,
    request_id: String,
    since: DateTime<Utc>,
    began: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    starts: u32,
    /// Whether its start counts, and so its end.
    counted: bool,
    outcome: Outcome,
    step: Cow<'static, str>,
    /// Steps within `step`, the last one is where it is. Parts of a command may run side by side.
    within: Vec<Within>,
    copies: Vec<Watched>,
    last: u64,
}

#[derive(Debug)]
struct Within {
    id: u64,
    step: Cow<'static, str>,
    retries: u32,
}

type Source = Arc<dyn Fn() -> Option<CopyProgress> + Send + Sync>;

struct Watched {
    id: u64,
    direction: Direction,
    source: Source,
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watched").field(&self.direction).finish()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Operations {
    /// Nothing runs yet; starts and ends are counted in `metrics`.
    pub fn new(metrics: Metrics) -> Self {
        Self {
            metrics,
            ..Self::default()
        }
    }

    /// Shows a command from now on until the [`Operation`] is dropped.
    pub fn begin(&self, beginning: Beginning<'_>) -> Operation {
        let entry = Arc::new(Entry {
            host: beginning.host.to_owned(),
            method: beginning.method,
            resource: beginning.resource,
            request_id: beginning.request_id.to_owned(),
            since: Utc::now(),
            began: Instant::now(),
            state: Mutex::new(State {
                starts: 1,
                counted: false,
                outcome: Outcome::HandedBack,
                step: Cow::Borrowed("begins"),
                within: Vec::new(),
                copies: Vec::new(),
                last: 0,
            }),
        });
        let id = self.last.fetch_add(1, Ordering::Relaxed);
        lock(&self.entries).insert(id, entry.clone());
        Operation {
            id,
            entry,
            all: self.clone(),
        }
    }

    /// All that runs, the oldest first.
    pub fn snapshot(&self) -> Vec<OperationView> {
        // Nobody is to wait for the sources of copies.
        let entries: Vec<_> = lock(&self.entries).values().cloned().collect();
        entries.iter().map(|entry| entry.view()).collect()
    }

    /// How many commands of each method run.
    pub(super) fn running(&self) -> Vec<&'static str> {
        let entries = lock(&self.entries);
        entries.values().map(|entry| entry.method).collect()
    }
}

impl Operation {
    /// Its intent is written, or it needs none: from now on it counts, and so does its end.
    pub fn started(&self, starts: u32) {
        let mut state = lock(&self.entry.state);
        state.starts = starts;
        if !std::mem::replace(&mut state.counted, true) {
            self.all.metrics.started(self.entry.method);
        }
    }

    /// How often it was started, this time included, for what is gone on with without a message.
    pub fn resumed(&self, starts: u32) {
        lock(&self.entry.state).starts = starts;
    }

    /// How it ended; what never says so was handed back.
    pub fn ends(&self, outcome: Outcome) {
        lock(&self.entry.state).outcome = outcome;
    }

    /// What it does from now on, when it is in no step of [`Operation::within`].
    pub fn step(&self, step: &'static str) {
        lock(&self.entry.state).step = Cow::Borrowed(step);
    }

    /// What it does or waits for until the guard is dropped.
    pub fn within(&self, step: impl Into<Cow<'static, str>>) -> StepGuard {
        let mut state = lock(&self.entry.state);
        state.last += 1;
        let id = state.last;
        state.within.push(Within {
            id,
            step: step.into(),
            retries: 0,
        });
        StepGuard {
            entry: self.entry.clone(),
            id,
        }
    }

    /// Shows a copy until the guard is dropped: `source` is asked whenever somebody looks, must
    /// not block, and says `None` while there is nothing to show.
    pub fn watch(
        &self,
        direction: Direction,
        source: impl Fn() -> Option<CopyProgress> + Send + Sync + 'static,
    ) -> CopyGuard {
        let mut state = lock(&self.entry.state);
        state.last += 1;
        let id = state.last;
        state.copies.push(Watched {
            id,
            direction,
            source: Arc::new(source),
        });
        CopyGuard {
            entry: self.entry.clone(),
            id,
        }
    }
}

impl StepGuard {
    /// What it needs was away, and it is tried again.
    pub fn retried(&self) {
        let mut state = lock(&self.entry.state);
        if let Some(within) = state.within.iter_mut().find(|w| w.id == self.id) {
            within.retries += 1;
        }
    }
}

impl Drop for StepGuard {
    fn drop(&mut self) {
        lock(&self.entry.state).within.retain(|w| w.id != self.id);
    }
}

impl Drop for CopyGuard {
    fn drop(&mut self) {
        lock(&self.entry.state).copies.retain(|w| w.id != self.id);
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        lock(&self.all.entries).remove(&self.id);
        let state = lock(&self.entry.state);
        if state.counted {
            let took = self.entry.began.elapsed();
            self.all
                .metrics
                .ended(self.entry.method, state.outcome, took);
        }
    }
}

impl Entry {
    fn view(&self) -> OperationView {
        let state = lock(&self.state);
        let starts = state.starts;
        let within = state.within.last();
        let inner = within.map(|w| w.step.clone());
        let retries = within.map_or(0, |w| w.retries);
        let base = state.step.clone();
        let watched = state
            .copies
            .last()
            .map(|w| (w.direction, Arc::clone(&w.source)));
        drop(state);
        let copy = watched.and_then(|(direction, source)| {
            let progress = source()?;
            Some(CopyView::new(direction, progress))
        });
        let copying = copy.as_ref().map(|_| Cow::Borrowed("copy"));
        OperationView {
            host: self.host.clone(),
            method: self.method.to_owned(),
            resource: self.resource.clone(),
            request_id: self.request_id.clone(),
            since: self.since,
            seconds: self.began.elapsed().as_secs_f64(),
            starts,
            step: inner.or(copying).unwrap_or(base).into_owned(),
            retries,
            copy,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::atomic::AtomicU64;

    use super::*;

    fn begin(all: &Operations) -> Operation {
        all.begin(Beginning {
            host: "ctl@xio",
            method: "create_volume",
            resource: Some("volume/v1".to_owned()),
            request_id: "req-1",
        })
    }

    fn only(all: &Operations) -> OperationView {
        let mut seen = all.snapshot();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen.remove(0)
    }

    #[test]
    fn a_command_is_shown_until_it_ends_and_the_oldest_comes_first() {
        let all = Operations::default();
        let first = begin(&all);
        let second = all.begin(Beginning {
            host: "ctl@xio",
            method: "delete_volume",
            resource: None,
            request_id: "req-2",
        });
        let methods: Vec<_> = all.snapshot().into_iter().map(|o| o.method).collect();
        assert_eq!(methods, ["create_volume", "delete_volume"]);
        drop(first);
        assert_eq!(only(&all).method, "delete_volume");
        drop(second);
        assert!(all.snapshot().is_empty());
    }

    #[test]
    fn a_wait_is_the_step_until_it_is_over_whatever_ends_first() {
        let all = Operations::default();
        let operation = begin(&all);
        operation.started(2);
        operation.step("copies");
        let lock = operation.within("waits for lock v1".to_owned());
        let array = operation.within("array");
        array.retried();
        array.retried();
        let seen = only(&all);
        assert_eq!(
            (seen.step.as_str(), seen.retries, seen.starts),
            ("array", 2, 2)
        );
        drop(lock);
        assert_eq!(only(&all).step, "array");
        drop(array);
        let seen = only(&all);
        assert_eq!((seen.step.as_str(), seen.retries), ("copies", 0));
    }

    #[test]
    fn a_copy_is_asked_each_time_somebody_looks() {
        let all = Operations::default();
        let operation = begin(&all);
        let done = Arc::new(AtomicU64::new(0));
        let told = done.clone();
        let copy = operation.watch(Direction::ImageToVolume, move || {
            let done = told.load(Ordering::Relaxed);
            (done > 0).then_some(CopyProgress {
                step: "convert",
                done,
                total: 3 << 20,
            })
        });
        assert_eq!(only(&all).copy, None);
        done.store(2 << 20, Ordering::Relaxed);
        let seen = only(&all);
        assert_eq!(seen.step, "copy");
        let view = seen.copy.unwrap();
        assert_eq!(
            (view.step.as_str(), view.done_bytes, view.percent),
            ("convert", 2 << 20, Some(66.6))
        );
        let waiting = operation.within("database");
        assert_eq!(only(&all).step, "database");
        drop((waiting, copy));
        assert_eq!(only(&all).copy, None);
    }

    #[test]
    fn what_others_read_survives_the_way_as_json() {
        let all = Operations::default();
        let _operation = begin(&all);
        let seen = only(&all);
        let text = serde_json::to_string(&seen).unwrap();
        let again: OperationView = serde_json::from_str(&text).unwrap();
        assert_eq!(again.resource.as_deref(), Some("volume/v1"));
        assert_eq!(again.since, seen.since);
    }
}
