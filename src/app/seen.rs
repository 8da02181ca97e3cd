//! Which messages this process has met: the same `_unique_id` is not run twice.
//!
//! RabbitMQ delivers again after a lost channel, and clients publish again after a lost
//! confirmation. oslo remembers the last 16 ids of a listener; we remember by time.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// How long a finished message is remembered.
const MEMORY: Duration = Duration::from_secs(600);

/// What is known of a message.
#[derive(Debug)]
pub enum Seen {
    /// Never met: run it, and report the end through the ticket.
    New(Ticket),
    /// Running here: wait for its end.
    Running(watch::Receiver<bool>),
    /// Ended here a while ago.
    Finished,
}

/// Says that a message is running; its end is [`Ticket::finish`]. Dropped without it, the
/// message counts as never met.
#[derive(Debug)]
pub struct Ticket {
    id: Option<String>,
    done: watch::Sender<bool>,
    memory: std::sync::Arc<Mutex<Memory>>,
}

#[derive(Debug, Default)]
struct Memory {
    running: HashMap<String, watch::Receiver<bool>>,
    finished: HashMap<String, Instant>,
    order: VecDeque<(String, Instant)>,
}

/// The memory of one backend. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct SeenIds {
    memory: std::sync::Arc<Mutex<Memory>>,
}

impl SeenIds {
    /// Looks a message up, and notes it as running if it is new. A message without an id is
    /// always new.
    pub fn look_up(&self, unique_id: Option<&str>) -> Seen {
        let (done, ended) = watch::channel(false);
        let mut memory = lock(&self.memory);
        memory.forget_old();
        if let Some(id) = unique_id {
            if let Some(running) = memory.running.get(id) {
                return Seen::Running(running.clone());
            }
            if memory.finished.contains_key(id) {
                return Seen::Finished;
            }
            memory.running.insert(id.to_owned(), ended);
        }
        Seen::New(Ticket {
            id: unique_id.map(str::to_owned),
            done,
            memory: self.memory.clone(),
        })
    }
}

impl Ticket {
    /// The command has ended for good: a repeat needs only be acknowledged.
    pub fn finish(mut self) {
        if let Some(id) = self.id.take() {
            let mut memory = lock(&self.memory);
            memory.running.remove(&id);
            let now = Instant::now();
            memory.finished.insert(id.clone(), now);
            memory.order.push_back((id, now));
        }
        self.done.send_replace(true);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(id) = self.id.take() {
            lock(&self.memory).running.remove(&id);
        }
    }
}

impl Memory {
    fn forget_old(&mut self) {
        while let Some((id, since)) = self.order.front() {
            if since.elapsed() < MEMORY {
                return;
            }
            self.finished.remove(id);
            self.order.pop_front();
        }
    }
}

fn lock(memory: &Mutex<Memory>) -> std::sync::MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_runs_once_and_again_only_if_it_never_ended() {
        let ids = SeenIds::default();
        let Seen::New(ticket) = ids.look_up(Some("a")) else {
            panic!("not new")
        };
        assert!(matches!(ids.look_up(Some("a")), Seen::Running(_)));
        drop(ticket);
        let Seen::New(ticket) = ids.look_up(Some("a")) else {
            panic!("an unfinished message must run again")
        };
        let Seen::Running(ended) = ids.look_up(Some("a")) else {
            panic!("not running")
        };
        ticket.finish();
        assert!(*ended.borrow());
        assert!(matches!(ids.look_up(Some("a")), Seen::Finished));
    }

    #[test]
    fn messages_without_an_id_are_always_new() {
        let ids = SeenIds::default();
        let _one = ids.look_up(None);
        assert!(matches!(ids.look_up(None), Seen::New(_)));
    }
}
