//! Which messages this process has met, and waiting for one that is running.
//!
//! RabbitMQ delivers again after a lost channel, and clients publish again after a lost
//! confirmation: the same `_unique_id` must not run twice.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

use crate::rpc::dedupe::{Dedupe, Seen as Known};

/// What is known of a message.
#[derive(Debug)]
pub(super) enum Seen {
    /// Never met: run it, and report the end through the ticket.
    New(Ticket),
    /// Running here: wait for `true`, or for an error, which means that it never ended.
    Running(watch::Receiver<bool>),
    /// Ended here a while ago.
    Finished,
}

/// Says that a message is running; its end is [`Ticket::finish`]. Dropped without it, the
/// message counts as never met.
#[derive(Debug)]
pub(super) struct Ticket {
    id: Option<String>,
    done: watch::Sender<bool>,
    memory: Arc<Mutex<Memory>>,
}

#[derive(Debug, Default)]
struct Memory {
    ids: Dedupe,
    running: HashMap<String, watch::Receiver<bool>>,
}

/// The memory of one backend. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct SeenIds {
    memory: Arc<Mutex<Memory>>,
}

impl SeenIds {
    /// Looks a message up, and notes it as running if it is new. A message without an id is
    /// always new.
    pub(super) fn look_up(&self, unique_id: Option<&str>) -> Seen {
        let (done, ended) = watch::channel(false);
        if let Some(id) = unique_id {
            let mut memory = lock(&self.memory);
            match memory.ids.arrive(id, Instant::now()) {
                Known::New => {
                    memory.running.insert(id.to_owned(), ended);
                }
                Known::InFlight => {
                    return match memory.running.get(id) {
                        Some(running) => Seen::Running(running.clone()),
                        None => Seen::Finished,
                    };
                }
                Known::Finished => return Seen::Finished,
            }
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
    pub(super) fn finish(mut self) {
        if let Some(id) = self.id.take() {
            let mut memory = lock(&self.memory);
            memory.running.remove(&id);
            memory.ids.finish(&id, Instant::now());
        }
        self.done.send_replace(true);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(id) = self.id.take() {
            let mut memory = lock(&self.memory);
            memory.running.remove(&id);
            memory.ids.hand_back(&id);
        }
    }
}

fn lock(memory: &Mutex<Memory>) -> MutexGuard<'_, Memory> {
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
