//! How much of what was delivered is held here unsettled, in messages and in bytes of bodies.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// What is held at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// Unsettled messages of the present session.
    pub(super) messages: u64,
    /// Bytes of unsettled bodies, those of earlier sessions included: they take memory too.
    pub(super) bytes: u64,
}

/// Counts for one listener.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    totals: Mutex<Totals>,
    released: Notify,
}

#[derive(Debug, Default)]
struct Totals {
    held: Held,
    session: u64,
}

impl Ledger {
    /// A new session begins: the broker hands out again what the last one left unsettled.
    pub(super) fn new_session(&self) {
        let mut totals = self.totals();
        totals.session += 1;
        totals.held.messages = 0;
    }

    /// Counts one message until the guard, and every clone of it, is gone or released.
    pub(super) fn take(self: &Arc<Self>, bytes: usize) -> Hold {
        let bytes = bytes as u64;
        let mut totals = self.totals();
        totals.held.messages += 1;
        totals.held.bytes += bytes;
        let one = One {
            ledger: self.clone(),
            session: totals.session,
            bytes,
            gone: AtomicBool::new(false),
        };
        drop(totals);
        Hold(Arc::new(one))
    }

    /// What is held now.
    pub(super) fn held(&self) -> Held {
        self.totals().held
    }

    /// Returns when something was released since the last call.
    pub(super) async fn released(&self) {
        self.released.notified().await;
    }

    fn totals(&self) -> MutexGuard<'_, Totals> {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps one message counted.
#[derive(Debug, Clone)]
pub(super) struct Hold(Arc<One>);

impl Hold {
    /// The message is settled: it counts no longer, whoever still has a clone.
    pub(super) fn release(&self) {
        self.0.release();
    }
}

#[derive(Debug)]
struct One {
    ledger: Arc<Ledger>,
    session: u64,
    bytes: u64,
    gone: AtomicBool,
}

impl One {
    fn release(&self) {
        if self.gone.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut totals = self.ledger.totals();
        totals.held.bytes -= self.bytes;
        if totals.session == self.session {
            totals.held.messages -= 1;
        }
        drop(totals);
        self.ledger.released.notify_one();
    }
}

impl Drop for One {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_message_counts_until_it_is_settled_or_forgotten() {
        let ledger = Arc::new(Ledger::default());
        let settled = ledger.take(10);
        let other_end = settled.clone();
        let forgotten = ledger.take(5);
        let held = |messages, bytes| Held { messages, bytes };
        assert_eq!(ledger.held(), held(2, 15));
        settled.release();
        other_end.release();
        assert_eq!(ledger.held(), held(1, 5));
        drop((settled, other_end));
        assert_eq!(ledger.held(), held(1, 5));
        drop(forgotten);
        assert_eq!(ledger.held(), Held::default());
    }

    #[test]
    fn a_lost_session_leaves_its_bytes_but_no_messages() {
        let ledger = Arc::new(Ledger::default());
        let old = ledger.take(10);
        ledger.new_session();
        let new = ledger.take(1);
        let held = |messages, bytes| Held { messages, bytes };
        assert_eq!(ledger.held(), held(1, 11));
        drop(old);
        assert_eq!(ledger.held(), held(1, 1));
        drop(new);
        assert_eq!(ledger.held(), Held::default());
    }

    #[tokio::test]
    async fn a_release_wakes_who_waits() {
        let ledger = Arc::new(Ledger::default());
        let hold = ledger.take(1);
        let waiting = tokio::spawn({
            let ledger = ledger.clone();
            async move { ledger.released().await }
        });
        drop(hold);
        waiting.await.unwrap();
    }
}
