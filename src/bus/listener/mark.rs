//! Up to when our queues have been read.
//!
//! Whoever cleans up after lost messages must know that a message is not merely late. The
//! broker only tells how many messages are ready, so the mark is an instant at which that was
//! counted: every message that it counted has been handed out since.

use std::collections::VecDeque;
use std::time::Instant;

use tokio::sync::watch;

/// Counts that wait for their messages; more than a few only make the steps finer.
const PENDING: usize = 16;

/// Ready messages of one queue at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ready {
    /// How many.
    pub(super) messages: u64,
    /// Whether the queue hands them out, and tells of it, in the order in which they came.
    pub(super) in_order: bool,
}

/// The mark, and what would move it.
#[derive(Debug)]
pub(super) struct Mark {
    /// Messages of each queue that came here for the first time in this session.
    fresh: Vec<u64>,
    /// When it was counted, and how many fresh messages of each queue make up for the count.
    pending: VecDeque<(Instant, Vec<u64>)>,
    up_to: watch::Sender<Option<Instant>>,
}

impl Mark {
    /// For this many queues.
    pub(super) fn new(queues: usize, up_to: watch::Sender<Option<Instant>>) -> Self {
        Self {
            fresh: vec![0; queues],
            pending: VecDeque::new(),
            up_to,
        }
    }

    /// The session is lost: what was counted on it proves nothing any more.
    pub(super) fn forget(&mut self) {
        self.pending.clear();
        self.fresh.fill(0);
    }

    /// A message of a queue was handed on that nobody had been given before. One that comes
    /// again may not have been ready when messages were counted, so it must not stand in for
    /// one that was.
    pub(super) fn fresh(&mut self, queue: usize) {
        if let Some(fresh) = self.fresh.get_mut(queue) {
            *fresh += 1;
            self.settle();
        }
    }

    /// At `sent` or later these messages were ready, queue by queue. All that was delivered
    /// before must have been handed on.
    pub(super) fn counted(&mut self, sent: Instant, ready: &[Ready]) {
        let goal = |(fresh, ready): (&u64, &Ready)| match ready.messages {
            0 => Some(0),
            messages if ready.in_order => Some(fresh + messages),
            // only an empty queue proves something
            _ => None,
        };
        let goals: Option<Vec<u64>> = self.fresh.iter().zip(ready).map(goal).collect();
        let Some(goals) = goals else { return };
        if self.pending.len() == PENDING {
            self.pending.pop_back();
        }
        self.pending.push_back((sent, goals));
        self.settle();
    }

    fn settle(&mut self) {
        let met = |(_, goals): &(Instant, Vec<u64>)| {
            goals.iter().zip(&self.fresh).all(|(goal, n)| n >= goal)
        };
        let Some(last) = self.pending.iter().rposition(met) else {
            return;
        };
        if let Some((instant, _)) = self.pending.drain(..=last).next_back() {
            self.up_to.send_if_modified(|up_to| {
                let later = *up_to < Some(instant);
                if later {
                    *up_to = Some(instant);
                }
                later
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn ready(messages: u64) -> Ready {
        Ready {
            messages,
            in_order: true,
        }
    }

    fn mark() -> (Mark, watch::Receiver<Option<Instant>>, [Instant; 4]) {
        let (tx, rx) = watch::channel(None);
        let start = Instant::now();
        let at = [0, 1, 2, 3].map(|s| start + Duration::from_secs(s));
        (Mark::new(2, tx), rx, at)
    }

    #[test]
    fn empty_queues_are_read_up_to_the_question() {
        let (mut mark, up_to, at) = mark();
        assert_eq!(*up_to.borrow(), None);
        mark.counted(at[1], &[ready(0), ready(0)]);
        assert_eq!(*up_to.borrow(), Some(at[1]));
        mark.counted(at[2], &[ready(0), ready(1)]);
        assert_eq!(*up_to.borrow(), Some(at[1]));
    }

    #[test]
    fn a_count_is_met_by_as_many_fresh_messages_of_each_queue() {
        let (mut mark, up_to, at) = mark();
        mark.fresh(0);
        mark.counted(at[0], &[ready(2), ready(1)]);
        mark.fresh(0);
        mark.counted(at[1], &[ready(2), ready(1)]);
        mark.fresh(1);
        assert_eq!(*up_to.borrow(), None);
        mark.fresh(0);
        assert_eq!(*up_to.borrow(), Some(at[0]));
        mark.fresh(0);
        assert_eq!(*up_to.borrow(), Some(at[1]));
    }

    #[test]
    fn a_later_count_that_is_met_first_wins() {
        let (mut mark, up_to, at) = mark();
        mark.counted(at[0], &[ready(100), ready(0)]);
        // a sibling took most of them
        mark.counted(at[1], &[ready(1), ready(0)]);
        mark.fresh(0);
        assert_eq!(*up_to.borrow(), Some(at[1]));
        for _ in 0..100 {
            mark.fresh(0);
        }
        assert_eq!(*up_to.borrow(), Some(at[1]));
    }

    #[test]
    fn a_lost_session_proves_nothing() {
        let (mut mark, up_to, at) = mark();
        mark.counted(at[0], &[ready(0), ready(0)]);
        mark.counted(at[1], &[ready(1), ready(0)]);
        mark.forget();
        mark.fresh(0);
        assert_eq!(*up_to.borrow(), Some(at[0]));
    }

    #[test]
    fn without_an_order_only_an_empty_queue_counts() {
        let (mut mark, up_to, at) = mark();
        let loose = |messages| Ready {
            messages,
            in_order: false,
        };
        mark.counted(at[0], &[loose(1), loose(0)]);
        for _ in 0..10 {
            mark.fresh(0);
        }
        assert_eq!(*up_to.borrow(), None);
        mark.counted(at[1], &[loose(0), loose(0)]);
        assert_eq!(*up_to.borrow(), Some(at[1]));
    }

    #[test]
    fn a_queue_that_is_never_empty_moves_it_too_however_often_it_is_counted() {
        let (mut mark, up_to, at) = mark();
        let mut seen = Vec::new();
        for n in 0..1000 {
            mark.counted(at[0] + Duration::from_secs(n), &[ready(50), ready(0)]);
            mark.fresh(0);
            seen.extend(*up_to.borrow());
        }
        seen.dedup();
        assert!(seen.len() > 100, "{} steps", seen.len());
        assert!(mark.pending.len() <= PENDING);
    }
}
