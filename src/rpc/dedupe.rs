//! The memory of `_unique_id`s, so that one message never runs twice.
//!
//! oslo.messaging remembers the last 16; here the memory lasts by time and is far larger.
//! What must survive a restart is remembered elsewhere, durably.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// How long a finished id is remembered.
pub const MAX_AGE: Duration = Duration::from_secs(600);
/// How many finished ids are remembered at most.
pub const MAX_FINISHED: usize = 100_000;

/// What is known of an id that just arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Never seen, or forgotten: it now counts as in flight.
    New,
    /// Its command is running or waiting here.
    InFlight,
    /// Its command ended here.
    Finished,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    InFlight,
    Finished(Instant),
}

/// Ids of the messages taken by this process.
#[derive(Debug)]
pub struct Dedupe {
    max_age: Duration,
    max_finished: usize,
    states: HashMap<String, State>,
    finished: VecDeque<(Instant, String)>,
}

impl Default for Dedupe {
    fn default() -> Self {
        Self::new(MAX_AGE, MAX_FINISHED)
    }
}

impl Dedupe {
    /// A memory of its own bounds. Ids in flight are never dropped; their number is bounded
    /// by what the broker hands out unacknowledged.
    pub fn new(max_age: Duration, max_finished: usize) -> Self {
        Self {
            max_age,
            max_finished,
            states: HashMap::new(),
            finished: VecDeque::new(),
        }
    }

    /// Notes the arrival of a message.
    pub fn arrive(&mut self, unique_id: &str, now: Instant) -> Seen {
        self.expire(now);
        match self.states.get(unique_id) {
            Some(State::InFlight) => Seen::InFlight,
            Some(State::Finished(_)) => Seen::Finished,
            None => {
                self.states.insert(unique_id.to_owned(), State::InFlight);
                Seen::New
            }
        }
    }

    /// Notes that the message's command has ended.
    pub fn finish(&mut self, unique_id: &str, now: Instant) {
        let state = State::Finished(now);
        self.states.insert(unique_id.to_owned(), state);
        self.finished.push_back((now, unique_id.to_owned()));
        self.expire(now);
    }

    /// Forgets a message that was handed back to the broker without having been started.
    pub fn hand_back(&mut self, unique_id: &str) {
        if self.states.get(unique_id) == Some(&State::InFlight) {
            self.states.remove(unique_id);
        }
    }

    /// Number of ids remembered.
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// Whether none is remembered.
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    fn expire(&mut self, now: Instant) {
        while let Some((at, id)) = self.finished.front() {
            let old = now.saturating_duration_since(*at) > self.max_age;
            if !old && self.finished.len() <= self.max_finished {
                break;
            }
            // An id that finished twice has two entries; the later one counts.
            if self.states.get(id) == Some(&State::Finished(*at)) {
                self.states.remove(id);
            }
            self.finished.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_new_once_then_in_flight_then_finished() {
        let (mut ids, now) = (Dedupe::default(), Instant::now());
        assert_eq!(ids.arrive("a", now), Seen::New);
        assert_eq!(ids.arrive("a", now), Seen::InFlight);
        ids.finish("a", now);
        assert_eq!(ids.arrive("a", now), Seen::Finished);
    }

    #[test]
    fn finished_ids_are_forgotten_by_age_and_number_running_ones_are_not() {
        let age = Duration::from_secs(600);
        let (mut ids, start) = (Dedupe::new(age, 2), Instant::now());
        ids.arrive("running", start);
        for id in ["a", "b", "c"] {
            ids.arrive(id, start);
            ids.finish(id, start);
        }
        assert_eq!(ids.arrive("a", start), Seen::New);
        assert_eq!(ids.arrive("c", start), Seen::Finished);
        let later = start + age + Duration::from_secs(1);
        assert_eq!(ids.arrive("c", later), Seen::New);
        assert_eq!(ids.arrive("running", later), Seen::InFlight);
        assert_eq!(ids.len(), 3);
    }

    #[test]
    fn handed_back_ids_may_come_again() {
        let (mut ids, now) = (Dedupe::default(), Instant::now());
        ids.arrive("a", now);
        ids.hand_back("a");
        assert!(ids.is_empty());
        assert_eq!(ids.arrive("a", now), Seen::New);
        ids.finish("a", now);
        ids.hand_back("a");
        assert_eq!(ids.arrive("a", now), Seen::Finished);
    }
}
