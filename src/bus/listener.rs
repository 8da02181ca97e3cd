//! The receiving session of one backend: connect, declare, consume, and again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, SelectAll, StreamExt};
use lapin::options::{
    BasicCancelOptions, BasicConsumeOptions, BasicQosOptions, QueueDeclareOptions,
    QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tracing::{error, info, warn};

use super::BusError;
use super::connect::Connector;
use super::declare::{ANSWER, answered, answered_within, declare_queue};
use super::delivery::{Delivery, STREAM_OFFSET};
use super::topology::{QueueDecl, Topology};
use crate::config::MessagingOptions;
use crate::retry::Delays;

/// Between two looks at the queue while the gate says wait.
const GATE_PAUSE: Duration = Duration::from_secs(1);
/// Between two probes of the line at most, and the longest wait for the answer to one.
const LONGEST_PROBE: Duration = Duration::from_secs(10);
/// Read-ahead of the queues that carry little: all but the one current clients address.
const SMALL_WINDOW: u16 = 64;

/// Default of `heartbeat_timeout_threshold`.
const DEFAULT_HEARTBEAT: Duration = Duration::from_secs(60);

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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Run,
    Cancel,
    Close,
}

/// Receives the messages of one backend.
#[derive(Debug)]
pub struct Listener {
    phase: watch::Sender<Phase>,
    state: watch::Receiver<ListenerState>,
    task: JoinHandle<()>,
}

impl Listener {
    /// Starts the session loop for `host` (`plainhost@backend`). Messages go to `deliveries`;
    /// at most `window` of the main queue's are unsettled at a time.
    pub fn spawn(
        options: &MessagingOptions,
        host: &str,
        window: u16,
        gate: Arc<dyn Gate>,
        deliveries: mpsc::UnboundedSender<Delivery>,
    ) -> Self {
        let (phase, phase_rx) = watch::channel(Phase::Run);
        let (state_tx, state) = watch::channel(ListenerState::Connecting(None));
        let topology = Topology::new(options);
        let mut queues: Vec<QueueDecl> = Vec::new();
        for server in topology.volume_servers(host) {
            for queue in server.queues {
                // The queue of one server is the other's topic queue: declared and consumed once.
                if !queues.iter().any(|q| q.name == queue.name) {
                    queues.push(queue);
                }
            }
        }
        let plain = host.split('@').next().unwrap_or(host);
        let session = Session {
            connector: Connector::new(options, "listen"),
            delays: Delays::new(options.retry_interval, options.retry_interval_max),
            reconnect_delay: options.reconnect_delay,
            probe: Probe::new(options.heartbeat),
            cancel_on_failover: options.cancel_on_failover,
            main_queue: format!("cinder-volume.{host}.{plain}"),
            host: host.to_owned(),
            queues,
            window,
            gate,
            admitted: false,
            offsets: HashMap::new(),
            deliveries,
            phase: phase_rx,
            state: state_tx,
        };
        let task = tokio::spawn(session.run());
        Self { phase, state, task }
    }

    /// Where the listener stands, and changes of it.
    pub fn state(&self) -> watch::Receiver<ListenerState> {
        self.state.clone()
    }

    /// SHIM
    pub fn read_up_to(&self) -> watch::Receiver<Option<std::time::Instant>> {
        watch::channel(None).1
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

/// A question to the broker from time to time: it counts the consumers, and finds a line that
/// is open but dead well before two heartbeats have been missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Probe {
    every: Duration,
    patience: Duration,
}

impl Probe {
    /// `heartbeat_timeout_threshold`; zero, which turns heartbeats off, leaves the pace of its
    /// default.
    fn new(heartbeat: Duration) -> Self {
        let heartbeat = match heartbeat {
            Duration::ZERO => DEFAULT_HEARTBEAT,
            heartbeat => heartbeat,
        };
        Self {
            every: (heartbeat / 6).clamp(Duration::from_secs(1), LONGEST_PROBE),
            patience: (heartbeat / 6).clamp(Duration::from_secs(2), LONGEST_PROBE),
        }
    }
}

struct Session {
    connector: Connector,
    delays: Delays,
    reconnect_delay: Duration,
    probe: Probe,
    cancel_on_failover: bool,
    main_queue: String,
    host: String,
    queues: Vec<QueueDecl>,
    window: u16,
    gate: Arc<dyn Gate>,
    admitted: bool,
    /// The last message of each stream queue: a new session goes on behind it.
    offsets: HashMap<String, i64>,
    deliveries: mpsc::UnboundedSender<Delivery>,
    phase: watch::Receiver<Phase>,
    state: watch::Sender<ListenerState>,
}

type Deliveries = SelectAll<BoxStream<'static, Result<Delivery, BusError>>>;

impl Session {
    async fn run(mut self) {
        loop {
            let result = self.session().await;
            match result {
                Ok(()) => {
                    self.state.send_replace(ListenerState::Closed);
                    return;
                }
                Err(BusError::Stranger(reason)) => {
                    error!(service.host = %self.host, "{reason}");
                    self.state.send_replace(ListenerState::Refused(reason));
                    return;
                }
                Err(error) => {
                    let text = error.to_string();
                    warn!(service.host = %self.host, error = %text, "receiving from RabbitMQ broke; connecting again");
                    let was_up = matches!(
                        self.state
                            .send_replace(ListenerState::Connecting(Some(text))),
                        ListenerState::Consuming(_)
                    );
                    if was_up {
                        self.delays.reset();
                    }
                    let pause = if was_up {
                        self.reconnect_delay
                    } else {
                        self.delays.next_delay()
                    };
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        _ = self.phase.wait_for(|p| *p != Phase::Run) => {}
                    }
                    if *self.phase.borrow() != Phase::Run {
                        self.state.send_replace(ListenerState::Closed);
                        return;
                    }
                }
            }
        }
    }

    /// Runs until asked to close (`Ok`) or until something breaks.
    async fn session(&mut self) -> Result<(), BusError> {
        let connection = self.connector.connect().await?;
        let channel = answered("channel.open", connection.create_channel()).await?;
        for queue in &self.queues {
            declare_queue(&channel, queue).await?;
        }
        self.state.send_replace(ListenerState::Declared);
        if !self.admitted && !self.ask_gate(&channel).await? {
            return self.close(&connection, &channel).await;
        }
        let mut incoming = self.consume(&channel).await?;
        self.admitted = true;
        info!(service.host = %self.host, queues = self.queues.len(), "consuming");
        let consumers = self.consumers(&channel).await?;
        self.state.send_replace(ListenerState::Consuming(consumers));
        let mut probe = interval(self.probe.every);
        probe.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut cancelled = false;
        loop {
            tokio::select! {
                item = incoming.next(), if !cancelled => match item {
                    Some(Ok(delivery)) => {
                        if let Some(offset) = delivery.stream_offset {
                            self.offsets.insert(delivery.queue.clone(), offset);
                        }
                        // No receiver means that the application is going down: leave unsettled.
                        let _ = self.deliveries.send(delivery);
                    }
                    Some(Err(error)) => return Err(error),
                    None => return Err(BusError::Cancelled { queue: self.main_queue.clone() }),
                },
                _ = probe.tick() => {
                    let count = self.consumers(&channel).await?;
                    if !cancelled {
                        self.state.send_if_modified(|s| {
                            let new = ListenerState::Consuming(count);
                            let changed = *s != new;
                            *s = new;
                            changed
                        });
                    }
                }
                changed = self.phase.changed() => {
                    let phase = *self.phase.borrow_and_update();
                    if changed.is_err() || phase == Phase::Close {
                        return self.close(&connection, &channel).await;
                    }
                    if phase == Phase::Cancel && !cancelled {
                        self.cancel(&channel).await?;
                        cancelled = true;
                        self.state.send_replace(ListenerState::Cancelled);
                    }
                }
            }
        }
    }

    /// Asks until the gate lets us in (`true`), refuses (an error), or we are told to stop.
    async fn ask_gate(&mut self, channel: &Channel) -> Result<bool, BusError> {
        loop {
            let consumers = self.consumers(channel).await?;
            match self.gate.judge(consumers).await {
                Verdict::Consume => return Ok(true),
                Verdict::Refuse(reason) => return Err(BusError::Stranger(reason)),
                Verdict::Wait => {}
            }
            tokio::select! {
                () = tokio::time::sleep(GATE_PAUSE) => {}
                _ = self.phase.wait_for(|p| *p != Phase::Run) => return Ok(false),
            }
        }
    }

    async fn consumers(&self, channel: &Channel) -> Result<u32, BusError> {
        let passive = QueueDeclareOptions {
            passive: true,
            ..QueueDeclareOptions::default()
        };
        let declare = channel.queue_declare(
            self.main_queue.as_str().into(),
            passive,
            FieldTable::default(),
        );
        let queue = answered_within(self.probe.patience, "queue.declare", declare).await?;
        Ok(queue.consumer_count())
    }

    async fn consume(&self, channel: &Channel) -> Result<Deliveries, BusError> {
        let mut all = SelectAll::new();
        for (i, queue) in self.queues.iter().enumerate() {
            let window = if queue.name == self.main_queue {
                self.window
            } else {
                self.window.min(SMALL_WINDOW)
            };
            let qos = channel.basic_qos(window, BasicQosOptions { global: false });
            answered("basic.qos", qos).await?;
            let mut arguments = FieldTable::default();
            if self.cancel_on_failover {
                arguments.insert("x-cancel-on-ha-failover".into(), AMQPValue::Boolean(true));
            }
            if queue.stream {
                let from = match self.offsets.get(&queue.name) {
                    Some(seen) => AMQPValue::LongLongInt(seen + 1),
                    None => AMQPValue::LongString("last".into()),
                };
                arguments.insert(STREAM_OFFSET.into(), from);
            }
            let consumer = answered(
                "basic.consume",
                channel.basic_consume(
                    queue.name.as_str().into(),
                    (i + 1).to_string().into(),
                    BasicConsumeOptions::default(),
                    arguments,
                ),
            )
            .await?;
            let name = queue.name.clone();
            let ended = BusError::Cancelled {
                queue: name.clone(),
            };
            // A stream that ends would vanish silently from the set: make its end an error.
            let stream = consumer
                .map(move |item| match item {
                    Ok(delivery) => Ok(Delivery::new(&name, delivery)),
                    Err(error) => Err(error.into()),
                })
                .chain(stream::once(async move { Err(ended) }));
            all.push(stream.boxed());
        }
        Ok(all)
    }

    async fn cancel(&self, channel: &Channel) -> Result<(), BusError> {
        for i in 1..=self.queues.len() {
            let cancel = channel.basic_cancel(i.to_string().into(), BasicCancelOptions::default());
            answered("basic.cancel", cancel).await?;
        }
        Ok(())
    }

    async fn close(&self, connection: &Connection, channel: &Channel) -> Result<(), BusError> {
        for queue in self.queues.iter().filter(|q| q.private) {
            let delete =
                channel.queue_delete(queue.name.as_str().into(), QueueDeleteOptions::default());
            answered("queue.delete", delete).await?;
        }
        answered("connection.close", connection.close(200, "OK".into())).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
