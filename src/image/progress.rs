//! How far a copy has come, for whoever wants to watch it.

use std::sync::Arc;

use tokio::sync::watch;

/// What a copy is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Step {
    /// Nothing yet.
    #[default]
    Waiting,
    /// From Glance to a file.
    Download,
    /// The file is looked at, or unpacked.
    Check,
    /// By the converter: to, from or between volumes.
    Convert,
    /// From a volume or a file to Glance.
    Upload,
}

/// A point that a copy has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reached {
    /// What it is doing.
    pub step: Step,
    /// Bytes of this step that are done; of a conversion, of the disk in the image.
    pub done: u64,
    /// Bytes of this step.
    pub total: u64,
}

/// A handle on one copy: its clones show and tell the same.
#[derive(Debug, Clone)]
pub struct Progress(Arc<watch::Sender<Reached>>);

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Progress {
    /// Of a copy that has not begun.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Reached::default())))
    }

    /// Begins a step of that many bytes.
    pub fn begin(&self, step: Step, total: u64) {
        self.0.send_replace(Reached {
            step,
            done: 0,
            total,
        });
    }

    /// So many bytes of the step are done now.
    pub fn reach(&self, done: u64) {
        self.0.send_if_modified(|reached| {
            let changed = reached.done != done;
            reached.done = done;
            changed
        });
    }

    /// So many percent of the step are done now.
    pub(super) fn reach_percent(&self, percent: f64) {
        self.0.send_if_modified(|reached| {
            let part = (percent / 100.0).clamp(0.0, 1.0);
            // half a byte more or less is of no matter
            #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
            #[allow(clippy::cast_sign_loss)]
            let done = (reached.total as f64 * part) as u64;
            let changed = reached.done != done;
            reached.done = done;
            changed
        });
    }

    /// Where it is now.
    pub fn now(&self) -> Reached {
        *self.0.borrow()
    }

    /// Sees every change from now on, or at least the last one.
    pub fn watch(&self) -> watch::Receiver<Reached> {
        self.0.subscribe()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn percents_are_bytes_of_the_step() {
        let progress = Progress::new();
        progress.begin(Step::Convert, 1 << 30);
        progress.clone().reach_percent(12.5);
        assert_eq!(progress.now().done, 1 << 27);
        progress.reach_percent(400.0);
        assert_eq!(progress.now().done, 1 << 30);
    }

    #[test]
    fn only_changes_wake_who_watches() {
        let progress = Progress::new();
        progress.begin(Step::Upload, 10);
        let mut seen = progress.watch();
        progress.reach(0);
        assert!(!seen.has_changed().unwrap());
        progress.reach(4);
        assert_eq!(seen.borrow_and_update().done, 4);
    }
}
