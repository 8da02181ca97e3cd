//! Replies to callers: retried while their queue is missing, given up with a memory.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::warn;

use super::publisher::{Destination, Message, Publisher};
use super::{BusError, publisher};
use crate::config::MessagingOptions;

/// Pause between two tries while the reply queue is missing (oslo's figure).
const MISSING_PAUSE: Duration = Duration::from_millis(250);
/// How long a missing queue is remembered, and how many at most (oslo's figures).
const GONE_FOR: Duration = Duration::from_secs(60);
const GONE_MAX: usize = 200;

/// Sends replies. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Replies {
    publisher: Publisher,
    retry_for: Duration,
    gone: Arc<Mutex<VecDeque<(String, Instant)>>>,
    hurry: Arc<AtomicBool>,
}

impl Replies {
    /// Replies through this publisher.
    pub fn new(publisher: Publisher, options: &MessagingOptions) -> Self {
        Self {
            publisher,
            retry_for: options.reply_retry_timeout,
            gone: Arc::default(),
            hurry: Arc::default(),
        }
    }

    /// The process is stopping: a missing queue is not waited for any more.
    pub fn hurry(&self) {
        self.hurry.store(true, Ordering::Relaxed);
    }

    /// Whether the queue was missing a short while ago: a call that names it has no caller.
    pub fn is_gone(&self, queue: &str) -> bool {
        let gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        gone.iter()
            .any(|(name, since)| name == queue && since.elapsed() < GONE_FOR)
    }

    /// Sends a reply body to the caller's queue. `Ok(false)` when the queue stayed missing for
    /// `kombu_missing_consumer_retry_timeout`, or until the process stops: the caller has gone.
    pub async fn send(&self, queue: &str, body: Vec<u8>) -> Result<bool, BusError> {
        if self.is_gone(queue) {
            return Ok(false);
        }
        let deadline = Instant::now() + self.retry_for;
        let message = publisher::Message {
            to: Destination::Queue(queue.to_owned()),
            body,
            expiration: None,
            mandatory: true,
        };
        while Instant::now() < deadline {
            if self.publisher.publish(&message, deadline).await? {
                return Ok(true);
            }
            if self.hurry.load(Ordering::Relaxed) {
                break;
            }
            sleep(MISSING_PAUSE).await;
        }
        warn!(
            reply.queue = queue,
            "the caller's reply queue is missing; reply dropped"
        );
        let mut gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        gone.retain(|(_, since)| since.elapsed() < GONE_FOR);
        if gone.len() >= GONE_MAX {
            gone.pop_front();
        }
        gone.push_back((queue.to_owned(), Instant::now()));
        Ok(false)
    }

    /// Sends a call-monitor heartbeat once; a missing queue is not waited for.
    pub async fn heartbeat(&self, queue: &str, body: Vec<u8>) -> Result<bool, BusError> {
        let message = Message {
            to: Destination::Queue(queue.to_owned()),
            body,
            expiration: None,
            mandatory: true,
        };
        let deadline = Instant::now() + Duration::from_secs(5);
        self.publisher.publish(&message, deadline).await
    }
}
