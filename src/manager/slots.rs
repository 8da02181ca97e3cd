//! Execution slots of a backend: how many commands run at once.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// `executor_thread_pool_size` slots, an eighth of which only calls may use, so that a caller
/// who waits is not held up by a burst of casts.
#[derive(Debug, Clone)]
pub struct Slots {
    all: Arc<Semaphore>,
    casts: Arc<Semaphore>,
}

/// A slot, free again when dropped.
#[derive(Debug)]
pub struct Slot {
    _all: OwnedSemaphorePermit,
    _cast: Option<OwnedSemaphorePermit>,
}

impl Slots {
    /// At least one slot for casts and one for calls.
    pub fn new(size: usize) -> Self {
        let casts = (size - size / 8).max(1);
        Self {
            all: Arc::new(Semaphore::new(size.max(casts + 1))),
            casts: Arc::new(Semaphore::new(casts)),
        }
    }

    /// Waits for a slot. `None` once the slots are closed: nothing new is to start.
    pub async fn take(&self, is_call: bool) -> Option<Slot> {
        let cast = if is_call {
            None
        } else {
            Some(self.casts.clone().acquire_owned().await.ok()?)
        };
        let all = self.all.clone().acquire_owned().await.ok()?;
        Some(Slot {
            _all: all,
            _cast: cast,
        })
    }

    /// Lets nothing new start; who waits gets `None`.
    pub fn close(&self) {
        self.casts.close();
        self.all.close();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn casts_leave_room_for_calls() {
        let slots = Slots::new(8);
        let mut taken = Vec::new();
        for _ in 0..7 {
            taken.push(slots.take(false).await);
        }
        assert!(slots.take(false).now_or_never().is_none());
        assert!(slots.take(true).now_or_never().is_some_and(|s| s.is_some()));
    }

    #[tokio::test]
    async fn closed_slots_start_nothing() {
        let slots = Slots::new(1);
        slots.close();
        assert!(slots.take(false).await.is_none());
        assert!(slots.take(true).await.is_none());
    }
}
