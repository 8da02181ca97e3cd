//! From a delivery to a reply and an acknowledgement: one straight line.
//!
//! The acknowledgement comes last: until then the broker holds the message, and gives it to
//! the next process if this one dies.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, debug, error, info, info_span, warn};

use super::seen::{Seen, SeenIds};
use crate::bus::{Delivery, Replies, Settler};
use crate::kill::{self, Point};
use crate::manager::{Ended, Manager, Origin, Slot, Slots};
use crate::retry::Delays;
use crate::rpc::{Command, Failure, Message, Opened, Registry, Reply, ReplyTo, envelope, request};

/// Runs what arrives for one backend.
pub(super) struct Dispatcher {
    /// Which methods there are.
    pub(super) registry: Registry,
    /// Runs commands.
    pub(super) manager: Arc<Manager>,
    /// Sends replies.
    pub(super) replies: Replies,
    /// How much runs at once.
    pub(super) slots: Slots,
    /// What has run.
    pub(super) seen: SeenIds,
    /// Tasks under way: the stop waits for them.
    pub(super) tasks: TaskTracker,
    /// Set when nothing new is to start.
    pub(super) closing: CancellationToken,
    /// `rpc_response_timeout`: how long callers wait that do not say so.
    pub(super) call_patience: Duration,
}

/// What becomes of a message.
enum End {
    /// Done with: acknowledge.
    Done,
    /// Not started, or cut off by the stop: leave it to the broker.
    Unsettled,
}

impl Dispatcher {
    /// Takes deliveries until their source ends.
    pub(super) async fn run(self: Arc<Self>, mut deliveries: mpsc::UnboundedReceiver<Delivery>) {
        while let Some(delivery) = deliveries.recv().await {
            let this = self.clone();
            self.tasks.spawn(async move { this.handle(delivery).await });
        }
    }

    async fn handle(&self, mut delivery: Delivery) {
        let settler = delivery.settler();
        let body = std::mem::take(&mut delivery.body);
        let properties = crate::rpc::Properties {
            content_type: delivery.properties.content_type.as_deref(),
            content_encoding: delivery.properties.content_encoding.as_deref(),
            compression: delivery.properties.compression.as_deref(),
        };
        let mut message = match envelope::open(&properties, &body) {
            Ok(Opened::Message(message)) => message,
            Ok(Opened::Empty) => {
                warn!(queue = %delivery.queue, "empty message dropped");
                settle(&settler).await;
                return;
            }
            Err(reject) => {
                error!(
                    queue = %delivery.queue, bytes = body.len(), reason = %chain(&reject),
                    "message cannot be read and is dropped"
                );
                if let Err(error) = settler.reject().await {
                    debug!(%error, "the channel of a rejected message has gone");
                }
                return;
            }
        };
        drop(body);
        let span = info_span!(
            "command",
            method = message.method_name(),
            request_id = message.request_id(),
        );
        async {
            if let End::Done = self.one(&mut message, &delivery).await {
                settle(&settler).await;
            }
        }
        .instrument(span)
        .await;
    }

    async fn one(&self, message: &mut Message, delivery: &Delivery) -> End {
        let ticket = loop {
            match self.seen.look_up(message.unique_id.as_deref()) {
                Seen::New(ticket) => break ticket,
                Seen::Finished => {
                    info!("repeat of a message that has ended here: acknowledged");
                    return End::Done;
                }
                Seen::Running(mut ended) => {
                    info!("repeat of a message that is running here: waiting for its end");
                    // An error means that it never ended: then this delivery runs it.
                    let _ = ended.wait_for(|done| *done).await;
                }
            }
        };
        let reply_to = message.reply_to();
        let decoded = self.registry.dispatch(message);
        // What waits for its turn is held once.
        message.args = Value::Null;
        let (slot, outcome) = match decoded {
            Ok(command) => match self
                .execute(command, message, delivery, reply_to.as_ref())
                .await
            {
                Ok((slot, outcome)) => (Some(slot), outcome),
                Err(End::Done) => {
                    ticket.finish();
                    return End::Done;
                }
                Err(End::Unsettled) => return End::Unsettled,
            },
            Err(failure) => (None, Err(failure)),
        };
        if let Err(failure) = &outcome {
            // A cast has nobody else to tell.
            warn!(failure.class = %failure.class, failure.message = %failure.message, "command failed");
        }
        match reply_to {
            Some(to) => {
                // The slot is free again while a reply waits for a missing queue.
                drop(slot);
                self.reply(&to, outcome).await;
                kill::pass(Point::ReplySent);
            }
            None if message.msg_id.is_some() => warn!("a call without a reply queue: no reply"),
            None => {}
        }
        ticket.finish();
        End::Done
    }

    /// Waits for the command's turn, and runs it. An error when there is no reply to send.
    async fn execute(
        &self,
        mut command: Command,
        message: &Message,
        delivery: &Delivery,
        reply_to: Option<&ReplyTo>,
    ) -> Result<(Slot, Result<Value, Failure>), End> {
        let _mention = self.manager.mentions.note(&command);
        let origin = Origin {
            unique_id: message.unique_id.clone().unwrap_or_else(request::new_id),
            patience: reply_to
                .is_some()
                .then(|| delivery.properties.expiration.unwrap_or(self.call_patience)),
        };
        let mut delays = Delays::new(Duration::from_millis(200), Duration::from_secs(5));
        loop {
            let admitted = tokio::select! {
                admitted = self.manager.admits(&command) => admitted,
                // A stop starts nothing that still waits for the journal.
                () = self.closing.cancelled() => false,
            };
            if !admitted {
                return Err(End::Unsettled);
            }
            let Some(slot) = self.slots.take(reply_to.is_some()).await else {
                return Err(End::Unsettled);
            };
            if let Some(to) = reply_to
                && (delivery.expired() || self.replies.is_gone(&to.queue))
            {
                info!("the caller has given up: not started");
                return Err(End::Done);
            }
            let run = self
                .manager
                .run(command, message.request_context(), &origin);
            let ended = tokio::select! {
                ended = run => ended,
                never = self.heartbeats(message, reply_to) => match never {},
            };
            match ended {
                Ended::Outcome(outcome) => return Ok((slot, outcome)),
                // Whoever gets the message next continues.
                Ended::CutOff => return Err(End::Unsettled),
                // The slot is free meanwhile for what needs no journal.
                Ended::NotStarted(again) => {
                    command = *again;
                    drop(slot);
                    tokio::time::sleep(delays.next_delay()).await;
                }
            }
        }
    }

    async fn reply(&self, to: &ReplyTo, outcome: Result<Value, Failure>) {
        let reply = match &outcome {
            Ok(value) => Reply::new(&to.msg_id, &request::new_id(), Ok(value.clone())),
            Err(failure) => Reply::new(&to.msg_id, &request::new_id(), Err(failure)),
        };
        if let Err(error) = self.replies.send(&to.queue, reply.to_body()).await {
            warn!(%error, "reply not sent");
        }
    }

    /// Sends signs of life for as long as it is polled, if the caller asked for them.
    async fn heartbeats(&self, message: &Message, to: Option<&ReplyTo>) -> Infallible {
        let (Some(every), Some(to)) = (message.heartbeat_interval(), to) else {
            return std::future::pending().await;
        };
        loop {
            tokio::time::sleep(every).await;
            let beat = Reply::heartbeat(&to.msg_id, &request::new_id());
            match self.replies.heartbeat(&to.queue, beat.to_body()).await {
                Ok(true) => {}
                Ok(false) | Err(_) => {
                    debug!("a sign of life found no queue; no more are sent");
                    return std::future::pending().await;
                }
            }
        }
    }

    /// Starts nothing new and waits for what runs; at most `limit` (zero waits for ever).
    pub(super) async fn drain(&self, limit: Duration) -> bool {
        self.closing.cancel();
        self.slots.close();
        self.replies.hurry();
        self.tasks.close();
        if limit.is_zero() {
            self.tasks.wait().await;
            return true;
        }
        tokio::time::timeout(limit, self.tasks.wait()).await.is_ok()
    }
}

async fn settle(settler: &Settler) {
    match settler.ack().await {
        Ok(true) => {}
        // The broker will deliver it again, and the memory of ids will know it.
        Ok(false) => debug!("the channel of a finished message has gone"),
        Err(error) => debug!(%error, "a finished message could not be acknowledged"),
    }
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
