//! A bounded queue between commands and the broker, for messages nobody waits for.
//!
//! A notification must never hold up the command it tells about: with the broker away the
//! queue fills, the oldest messages are dropped and counted.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tracing::warn;

use crate::bus::{Message, Publisher};

/// Messages that may wait at most.
const CAPACITY: usize = 4096;
/// How long one message is offered to the broker before the next one's turn.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends messages in order in the background. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbox {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<VecDeque<Message>>,
    more: Notify,
    empty: Notify,
    sending: Mutex<bool>,
    dropped: AtomicU64,
}

impl Outbox {
    /// Starts the sender.
    pub fn spawn(publisher: Publisher) -> (Self, JoinHandle<()>) {
        let shared = Arc::new(Shared::default());
        let task = tokio::spawn(send(shared.clone(), publisher));
        (Self { shared }, task)
    }

    /// Queues a message; never waits.
    pub fn push(&self, message: Message) {
        let mut waiting = self.shared.waiting();
        if waiting.len() >= CAPACITY {
            waiting.pop_front();
            let dropped = self.shared.dropped.fetch_add(1, Ordering::Relaxed) + 1;
            if dropped.is_power_of_two() {
                warn!(dropped, "RabbitMQ is away: oldest notifications dropped");
            }
        }
        waiting.push_back(message);
        drop(waiting);
        self.shared.more.notify_one();
    }

    /// How many messages were dropped since the start.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    /// Waits until everything queued so far was sent, at most `limit`.
    pub async fn flush(&self, limit: Duration) {
        let flushed = timeout(limit, async {
            loop {
                let emptied = self.shared.empty.notified();
                if self.shared.is_empty() {
                    return;
                }
                emptied.await;
            }
        });
        if flushed.await.is_err() {
            warn!("notifications were still waiting at the end of the process");
        }
    }
}

impl Shared {
    fn waiting(&self) -> std::sync::MutexGuard<'_, VecDeque<Message>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_sending(&self, sending: bool) {
        *self.sending.lock().unwrap_or_else(PoisonError::into_inner) = sending;
    }

    fn is_empty(&self) -> bool {
        let sending = *self.sending.lock().unwrap_or_else(PoisonError::into_inner);
        !sending && self.waiting().is_empty()
    }
}

async fn send(shared: Arc<Shared>, publisher: Publisher) {
    loop {
        let next = {
            let mut waiting = shared.waiting();
            let next = waiting.pop_front();
            shared.set_sending(next.is_some());
            next
        };
        match next {
            Some(message) => {
                let deadline = Instant::now() + PATIENCE;
                if let Err(error) = publisher.publish(&message, deadline).await {
                    warn!(%error, "message dropped");
                }
            }
            None => {
                shared.empty.notify_waiters();
                shared.more.notified().await;
            }
        }
    }
}
