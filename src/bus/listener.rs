//! The receiving session of one backend: connect, declare, consume, and again.

mod intake;
mod mark;
mod probe;
mod session;
mod window;

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::warn;

use self::session::{Phase, Session, Tell};
pub use self::window::ReadAhead;
use super::declare::ANSWER;
use super::delivery::Delivery;
use crate::config::MessagingOptions;

/// What the gate says to a session that is about to consume for the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nobody else serves our host: go on.
    Consume,
    /// Look again in a moment.
    Wait,
    /// Somebody else serves our host: give up, with the reason.
    Refuse(String),
}

/// Decides whether this process may consume our host's queues.
#[async_trait]
pub trait Gate: Send + Sync + 'static {
    /// `consumers` is what the broker counts on the queue that current clients address.
    async fn judge(&self, consumers: u32) -> Verdict;
}

/// Where a listener stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenerState {
    /// No session yet, or the last one broke with this error.
    Connecting(Option<String>),
    /// Queues are declared; waiting for the gate.
    Declared,
    /// Messages are taken. The number is the broker's count of consumers at the last probe.
    Consuming(u32),
    /// The gate refused; the listener has ended.
    Refused(String),
    /// Consumers are cancelled; started messages can still be settled.
    Cancelled,
    /// Everything is closed.
    Closed,
}

/// Receives the messages of one backend.
#[derive(Debug)]
pub struct Listener {
    phase: watch::Sender<Phase>,
    state: watch::Receiver<ListenerState>,
    read_up_to: watch::Receiver<Option<Instant>>,
    task: JoinHandle<()>,
}

impl Listener {
    /// Starts the session loop for `host` (`plainhost@backend`). Messages go to `deliveries`;
    /// no more than `ahead` says are unsettled at a time.
    pub fn spawn(
        options: &MessagingOptions,
        host: &str,
        ahead: ReadAhead,
        gate: Arc<dyn Gate>,
        deliveries: mpsc::UnboundedSender<Delivery>,
    ) -> Self {
        let (phase, phase_rx) = watch::channel(Phase::Run);
        let (state_tx, state) = watch::channel(ListenerState::Connecting(None));
        let (up_to_tx, read_up_to) = watch::channel(None);
        let tell = Tell {
            deliveries,
            state: state_tx,
            read_up_to: up_to_tx,
        };
        let session = Session::new(options, host, ahead, gate, phase_rx, tell);
        let task = tokio::spawn(session.run());
        Self {
            phase,
            state,
            read_up_to,
            task,
        }
    }

    /// Where the listener stands, and changes of it.
    pub fn state(&self) -> watch::Receiver<ListenerState> {
        self.state.clone()
    }

    /// The latest known instant of which this is true: every message that the broker had
    /// confirmed for the queues addressed to our host before it has been handed to a consumer,
    /// and if that is us, is in `deliveries` or was. Broadcasts are left out. `None` until the
    /// queues were read up to a first such instant; it never goes back.
    ///
    /// Handed out is not processed: what a consumer holds unsettled when it dies, one of ours
    /// on a line that died in silence included, comes again after the mark, at the latest when
    /// the broker has missed two heartbeats.
    pub fn read_up_to(&self) -> watch::Receiver<Option<Instant>> {
        self.read_up_to.clone()
    }

    /// Stops taking messages; what was taken can still be settled. Returns when the broker has
    /// confirmed, or when there is no session.
    pub async fn stop_consuming(&self) {
        let _ = self.phase.send(Phase::Cancel);
        let mut state = self.state.clone();
        let stopped =
            |s: &ListenerState| !matches!(s, ListenerState::Consuming(_) | ListenerState::Declared);
        // An error means that the task has ended, which is stopped enough.
        let _ = timeout(ANSWER, state.wait_for(stopped)).await;
    }

    /// Deletes the private queues and closes the connection: the broker hands what was not
    /// settled to others.
    pub async fn close(self) {
        let _ = self.phase.send(Phase::Close);
        if timeout(ANSWER, self.task).await.is_err() {
            warn!("RabbitMQ did not confirm the end of the session in time");
        }
    }
}
