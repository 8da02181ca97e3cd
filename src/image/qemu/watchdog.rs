//! Sees whether a running converter still moves bytes.
//!
//! qemu-img says how far it is once in a percent, which of a large volume may be many minutes of
//! honest work; and a target that is dead keeps it alive for ever, trying again. So what counts
//! beside its word is what the kernel counts of its reads and writes.

use std::time::Duration;

use tokio::time::Instant;

/// Bytes that are more than the chatter of an initiator that tries to reach its target again.
const MOVED: u64 = 256 * 1024;
/// Between two looks.
const LONGEST_LOOK: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Watchdog {
    limit: Duration,
    /// When it last was seen to get on.
    alive: Instant,
    /// What it had moved then, bytes.
    moved: u64,
    pid: Option<u32>,
}

impl Watchdog {
    pub(super) fn new(pid: Option<u32>, limit: Duration) -> Self {
        Self {
            limit,
            alive: Instant::now(),
            moved: pid.and_then(moved).unwrap_or(0),
            pid,
        }
    }

    /// It said that it got on.
    pub(super) fn feed(&mut self, now: Instant) {
        self.alive = now;
    }

    /// When to look again.
    pub(super) fn next_look(&self, now: Instant) -> Instant {
        let pause = (self.limit / 8).min(LONGEST_LOOK);
        (now + pause).min(self.alive + self.limit)
    }

    /// Whether it has stalled.
    pub(super) fn look(&mut self, now: Instant) -> bool {
        if let Some(moved) = self.pid.and_then(moved)
            && moved.saturating_sub(self.moved) >= MOVED
        {
            self.moved = moved;
            self.feed(now);
        }
        now - self.alive >= self.limit
    }
}

/// Bytes that the process has read and written so far, sockets too.
fn moved(pid: u32) -> Option<u64> {
    total(&std::fs::read_to_string(format!("/proc/{pid}/io")).ok()?)
}

fn total(text: &str) -> Option<u64> {
    let value = |name: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().parse().ok()
    };
    value("rchar:")?.checked_add(value("wchar:")?)
}

/// The last percentage in a piece of the output: `    (12.50/100%)` and a carriage return each.
pub(super) fn percent(output: &str) -> Option<f64> {
    let (before, _) = output.rsplit_once("/100%)")?;
    let (_, number) = before.rsplit_once('(')?;
    number.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_kernel_counts_reads_and_writes() {
        let text = "rchar: 1048576\nwchar: 24\nsyscr: 5\nread_bytes: 7\n";
        assert_eq!(total(text), Some(1_048_600));
        assert_eq!(total("rchar: 1\n"), None);
        let before = moved(std::process::id()).unwrap();
        std::fs::read("/proc/self/status").unwrap();
        assert!(moved(std::process::id()).unwrap() > before);
    }

    #[test]
    fn the_last_percentage_counts() {
        assert_eq!(
            percent("    (1.00/100%)\r    (12.50/100%)\r    (13."),
            Some(12.5)
        );
        assert_eq!(percent("    (100.00/100%)\r\n"), Some(100.0));
        assert_eq!(percent("    (1"), None);
        assert_eq!(percent("(x/100%)"), None);
    }

    #[test]
    fn silence_is_a_stall() {
        // no such process: only its word counts
        let mut dog = Watchdog::new(None, Duration::from_secs(300));
        let dog_start = dog.alive;
        let later = |seconds| dog_start + Duration::from_secs(seconds);
        assert!(!dog.look(later(299)));
        dog.feed(later(299));
        assert!(!dog.look(later(598)));
        assert_eq!(dog.next_look(later(400)), later(401));
        assert_eq!(dog.next_look(later(598)), later(599));
        assert!(dog.look(later(599)));
    }
}
