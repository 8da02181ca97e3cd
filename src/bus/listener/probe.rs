//! Questions to the broker from time to time: how many consume, how much is ready, and whether
//! the line still answers.

use std::time::Duration;

use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use lapin::{Channel, Queue};

use super::mark::Ready;
use crate::bus::BusError;
use crate::bus::declare::answered_within;
use crate::bus::topology::{ExchangeType, QueueDecl};

/// Between two probes of the line at most, and the longest wait for the answer to one.
const LONGEST_PROBE: Duration = Duration::from_secs(10);
/// Between two probes at most while messages wait on the broker.
const BACKLOG_PROBE: Duration = Duration::from_secs(1);
/// Default of `heartbeat_timeout_threshold`.
const DEFAULT_HEARTBEAT: Duration = Duration::from_secs(60);

/// The pace of the questions. They find a line that is open but dead well before two heartbeats
/// have been missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Probe {
    every: Duration,
    patience: Duration,
}

/// A queue that is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Probed {
    pub(super) name: String,
    in_order: bool,
}

impl Probed {
    /// The queues that carry what is meant for `host` alone: neither what all hosts share nor
    /// what is broadcast.
    pub(super) fn of(queues: &[QueueDecl], host: &str) -> Vec<Self> {
        let address = format!("cinder-volume.{host}");
        let ours = |queue: &&QueueDecl| {
            let topic = queue.binding.as_ref().map(|(exchange, _)| exchange.kind);
            topic == Some(ExchangeType::Topic) && queue.name.starts_with(&address)
        };
        let probed = |queue: &QueueDecl| Self {
            name: queue.name.clone(),
            // A quorum queue's deliveries may come from another node than its counts.
            in_order: !queue.is_quorum(),
        };
        queues.iter().filter(ours).map(probed).collect()
    }
}

/// What the broker answered.
#[derive(Debug)]
pub(super) struct Census {
    /// Consumers of the main queue, ours included.
    pub(super) consumers: u32,
    /// Ready messages, queue by queue.
    pub(super) ready: Vec<Ready>,
}

impl Census {
    /// Whether messages wait on the broker.
    pub(super) fn backlog(&self) -> bool {
        self.ready.iter().any(|ready| ready.messages > 0)
    }
}

impl Probe {
    /// `heartbeat_timeout_threshold`; zero, which turns heartbeats off, leaves the pace of its
    /// default.
    pub(super) fn new(heartbeat: Duration) -> Self {
        let heartbeat = match heartbeat {
            Duration::ZERO => DEFAULT_HEARTBEAT,
            heartbeat => heartbeat,
        };
        Self {
            every: (heartbeat / 6).clamp(Duration::from_secs(1), LONGEST_PROBE),
            patience: (heartbeat / 6).clamp(Duration::from_secs(2), LONGEST_PROBE),
        }
    }

    /// Between two probes at most.
    pub(super) fn every(&self) -> Duration {
        self.every
    }

    /// How long to wait after this answer.
    pub(super) fn pause(&self, census: &Census) -> Duration {
        match census.backlog() {
            true => self.every.min(BACKLOG_PROBE),
            false => self.every,
        }
    }

    /// Asks about every queue; `main` names the one whose consumers are counted.
    pub(super) async fn ask(
        &self,
        channel: &Channel,
        queues: &[Probed],
        main: &str,
    ) -> Result<Census, BusError> {
        let mut census = Census {
            consumers: 0,
            ready: Vec::with_capacity(queues.len()),
        };
        for queue in queues {
            let found = self.look(channel, &queue.name).await?;
            census.ready.push(Ready {
                messages: found.message_count().into(),
                in_order: queue.in_order,
            });
            if queue.name == main {
                census.consumers = found.consumer_count();
            }
        }
        Ok(census)
    }

    /// The consumers of one queue.
    pub(super) async fn consumers(&self, channel: &Channel, name: &str) -> Result<u32, BusError> {
        Ok(self.look(channel, name).await?.consumer_count())
    }

    async fn look(&self, channel: &Channel, name: &str) -> Result<Queue, BusError> {
        let passive = QueueDeclareOptions {
            passive: true,
            ..QueueDeclareOptions::default()
        };
        let declare = channel.queue_declare(name.into(), passive, FieldTable::default());
        answered_within(self.patience, "queue.declare", declare).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn census(messages: u64) -> Census {
        let in_order = true;
        let ready = [0, messages].map(|messages| Ready { messages, in_order });
        Census {
            consumers: 1,
            ready: ready.into(),
        }
    }

    #[test]
    fn a_dead_line_is_found_within_two_heartbeats() {
        for heartbeat in [2, 6, 30, 60, 600].map(Duration::from_secs) {
            let probe = Probe::new(heartbeat);
            assert!(probe.every + probe.patience < heartbeat * 2, "{probe:?}");
        }
    }

    #[test]
    fn without_heartbeats_the_probe_keeps_the_default_pace() {
        let probe = Probe::new(Duration::ZERO);
        assert_eq!(probe, Probe::new(DEFAULT_HEARTBEAT));
        assert_eq!(probe.every, LONGEST_PROBE);
    }

    #[test]
    fn a_backlog_is_looked_at_more_often() {
        let probe = Probe::new(Duration::ZERO);
        assert_eq!(probe.pause(&census(0)), LONGEST_PROBE);
        assert_eq!(probe.pause(&census(1)), BACKLOG_PROBE);
    }
}
