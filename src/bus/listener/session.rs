//! The session loop: connect, declare, ask the gate, consume, and again after any error.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lapin::options::QueueDeleteOptions;
use lapin::{Channel, Connection};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use tracing::{debug, error, info, warn};

use super::intake::{Intake, Plan};
use super::mark::Mark;
use super::probe::{Probe, Probed};
use super::window::{ReadAhead, Window};
use super::{Gate, ListenerState, Verdict};
use crate::bus::BusError;
use crate::bus::connect::Connector;
use crate::bus::declare::{answered, declare_queue};
use crate::bus::delivery::Delivery;
use crate::bus::held::Ledger;
use crate::bus::topology::{QueueDecl, Topology};
use crate::config::MessagingOptions;
use crate::retry::Delays;

/// Between two looks at the queue while the gate says wait.
const GATE_PAUSE: Duration = Duration::from_secs(1);

/// What the owner of the listener wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Run,
    Cancel,
    Close,
}

/// Where a session tells of itself.
pub(super) struct Tell {
    pub(super) deliveries: mpsc::UnboundedSender<Delivery>,
    pub(super) state: watch::Sender<ListenerState>,
    pub(super) read_up_to: watch::Sender<Option<Instant>>,
}

/// All sessions of one listener, one after the other.
pub(super) struct Session {
    connector: Connector,
    delays: Delays,
    reconnect_delay: Duration,
    probe: Probe,
    host: String,
    plan: Plan,
    probed: Vec<Probed>,
    window: Window,
    ledger: Arc<Ledger>,
    mark: Mark,
    gate: Arc<dyn Gate>,
    admitted: bool,
    deliveries: mpsc::UnboundedSender<Delivery>,
    phase: watch::Receiver<Phase>,
    state: watch::Sender<ListenerState>,
}

impl Session {
    pub(super) fn new(
        options: &MessagingOptions,
        host: &str,
        ahead: ReadAhead,
        gate: Arc<dyn Gate>,
        phase: watch::Receiver<Phase>,
        tell: Tell,
    ) -> Self {
        let mut queues: Vec<QueueDecl> = Vec::new();
        for server in Topology::new(options).volume_servers(host) {
            for queue in server.queues {
                // The queue of one server is the other's topic queue: declared and consumed once.
                if !queues.iter().any(|q| q.name == queue.name) {
                    queues.push(queue);
                }
            }
        }
        let plain = host.split('@').next().unwrap_or(host);
        let main = format!("cinder-volume.{host}.{plain}");
        let fixed = queues.iter().any(|q| q.name == main && q.is_quorum());
        let probed = Probed::of(&queues, host);
        Self {
            connector: Connector::new(options, "listen"),
            delays: Delays::new(options.retry_interval, options.retry_interval_max),
            reconnect_delay: options.reconnect_delay,
            probe: Probe::new(options.heartbeat),
            host: host.to_owned(),
            plan: Plan {
                queues,
                main,
                most: ahead.messages,
                cancel_on_failover: options.cancel_on_failover,
                offsets: HashMap::new(),
            },
            window: Window::new(ahead, fixed),
            ledger: Arc::default(),
            mark: Mark::new(probed.len(), tell.read_up_to),
            probed,
            gate,
            admitted: false,
            deliveries: tell.deliveries,
            phase,
            state: tell.state,
        }
    }

    pub(super) async fn run(mut self) {
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
                        () = sleep(pause) => {}
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
        for queue in &self.plan.queues {
            declare_queue(&channel, queue).await?;
        }
        self.state.send_replace(ListenerState::Declared);
        if !self.admitted && !self.ask_gate(&channel).await? {
            return self.close(&connection, &channel).await;
        }
        self.mark.forget();
        self.ledger.new_session();
        let window = self.window.first(self.ledger.held());
        let mut intake = Intake::open(&channel, &self.plan, &self.ledger, window).await?;
        self.admitted = true;
        info!(service.host = %self.host, queues = self.plan.queues.len(), "consuming");
        let (consumers, pause) = self.look(&channel, &mut intake).await?;
        self.state.send_replace(ListenerState::Consuming(consumers));
        let probe = sleep(pause);
        tokio::pin!(probe);
        loop {
            self.fit(&mut intake).await?;
            tokio::select! {
                delivery = intake.next() => self.hand_on(delivery?),
                () = self.ledger.released() => {}
                () = &mut probe => {
                    let (consumers, pause) = self.look(&channel, &mut intake).await?;
                    self.state.send_if_modified(|s| {
                        let new = ListenerState::Consuming(consumers);
                        let changed = *s != new;
                        *s = new;
                        changed
                    });
                    probe.as_mut().reset(tokio::time::Instant::now() + pause);
                }
                changed = self.phase.changed() => {
                    let phase = *self.phase.borrow_and_update();
                    if changed.is_err() || phase == Phase::Close {
                        return self.close(&connection, &channel).await;
                    }
                    if phase == Phase::Cancel {
                        intake.cancel().await?;
                        self.state.send_replace(ListenerState::Cancelled);
                        return self.linger(&connection, &channel).await;
                    }
                }
            }
        }
    }

    /// After the stop: keeps the line, on which started messages are settled, until it is to be
    /// closed.
    async fn linger(&mut self, connection: &Connection, channel: &Channel) -> Result<(), BusError> {
        loop {
            tokio::select! {
                () = sleep(self.probe.every()) => {}
                // An error means that nobody is left who could say so.
                _ = self.phase.wait_for(|p| *p == Phase::Close) => break,
            }
            self.probe.consumers(channel, &self.plan.main).await?;
        }
        self.close(connection, channel).await
    }

    /// Asks until the gate lets us in (`true`), refuses (an error), or we are told to stop.
    async fn ask_gate(&mut self, channel: &Channel) -> Result<bool, BusError> {
        loop {
            let consumers = self.probe.consumers(channel, &self.plan.main).await?;
            match self.gate.judge(consumers).await {
                Verdict::Consume => return Ok(true),
                Verdict::Refuse(reason) => return Err(BusError::Stranger(reason)),
                Verdict::Wait => {}
            }
            tokio::select! {
                () = sleep(GATE_PAUSE) => {}
                _ = self.phase.wait_for(|p| *p != Phase::Run) => return Ok(false),
            }
        }
    }

    /// Counts consumers and ready messages: the first, and when to look again.
    async fn look(
        &mut self,
        channel: &Channel,
        intake: &mut Intake,
    ) -> Result<(u32, Duration), BusError> {
        let sent = Instant::now();
        let census = self
            .probe
            .ask(channel, &self.probed, &self.plan.main)
            .await?;
        // What the broker no longer counted is on this side of its answer: hand it on first.
        while let Some(delivery) = intake.ready() {
            self.hand_on(delivery?);
        }
        self.mark.counted(sent, &census.ready);
        self.window.crowd(census.consumers);
        Ok((census.consumers, self.probe.pause(&census)))
    }

    fn hand_on(&mut self, delivery: Delivery) {
        if let Some(offset) = delivery.stream_offset {
            self.plan.offsets.insert(delivery.queue.clone(), offset);
        }
        self.window.saw(delivery.body.len());
        let fresh = match delivery.redelivered {
            true => None,
            false => self.probed.iter().position(|q| q.name == delivery.queue),
        };
        // No receiver means that the application is going down: leave unsettled.
        let _ = self.deliveries.send(delivery);
        if let Some(queue) = fresh {
            self.mark.fresh(queue);
        }
    }

    /// Gives the main queue another window, if what is held asks for one.
    async fn fit(&mut self, intake: &mut Intake) -> Result<(), BusError> {
        let held = self.ledger.held();
        if let Some(window) = self.window.change(held) {
            debug!(
                service.host = %self.host, window, held.messages, held.bytes,
                "reading the main queue with another window"
            );
            intake.resize(&self.plan, window).await?;
        }
        Ok(())
    }

    async fn close(&self, connection: &Connection, channel: &Channel) -> Result<(), BusError> {
        for queue in self.plan.queues.iter().filter(|q| q.private) {
            let delete =
                channel.queue_delete(queue.name.as_str().into(), QueueDeleteOptions::default());
            answered("queue.delete", delete).await?;
        }
        answered("connection.close", connection.close(200, "OK".into())).await
    }
}
