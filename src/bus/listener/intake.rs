//! The consumers of one session, and the change of the main one's window.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use futures::FutureExt;
use futures::stream::{self, BoxStream, SelectAll, StreamExt};
use lapin::message::Delivery as AmqpDelivery;
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Consumer};

use crate::bus::BusError;
use crate::bus::declare::answered;
use crate::bus::delivery::{Delivery, STREAM_OFFSET};
use crate::bus::held::Ledger;
use crate::bus::topology::QueueDecl;

/// Read-ahead of the queues that carry little: all but the one current clients address.
const SMALL_WINDOW: u16 = 64;

/// A message of one of the small queues, with its queue.
type Other = Result<(Arc<str>, AmqpDelivery), BusError>;

/// What is consumed, and how.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) queues: Vec<QueueDecl>,
    /// Name of the queue that current clients address.
    pub(super) main: String,
    /// Window of every queue at most.
    pub(super) most: u16,
    pub(super) cancel_on_failover: bool,
    /// The last message of each stream queue: a new session goes on behind it.
    pub(super) offsets: HashMap<String, i64>,
}

impl Plan {
    /// Starts a consumer. The broker gives its window to the consumers started after it was
    /// told: each has its own.
    async fn consume(
        &self,
        channel: &Channel,
        queue: &QueueDecl,
        window: u16,
        tag: &str,
    ) -> Result<Consumer, BusError> {
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
        let consume = channel.basic_consume(
            queue.name.as_str().into(),
            tag.into(),
            BasicConsumeOptions::default(),
            arguments,
        );
        answered("basic.consume", consume).await
    }
}

/// All consumers of one session.
pub(super) struct Intake {
    channel: Channel,
    ledger: Arc<Ledger>,
    main_name: Arc<str>,
    main_queue: QueueDecl,
    main: Consumer,
    /// How often the main queue was consumed anew: part of its tag.
    renewals: u64,
    main_tag: String,
    others: SelectAll<BoxStream<'static, Other>>,
    other_tags: Vec<String>,
    /// What former consumers of the main queue had received.
    left: VecDeque<Delivery>,
}

impl Intake {
    /// Consumes every queue, the main one with this window.
    pub(super) async fn open(
        channel: &Channel,
        plan: &Plan,
        ledger: &Arc<Ledger>,
        window: u16,
    ) -> Result<Self, BusError> {
        let mut others = SelectAll::new();
        let mut other_tags = Vec::new();
        let mut main = None;
        for (i, queue) in plan.queues.iter().enumerate() {
            let tag = (i + 1).to_string();
            if queue.name == plan.main {
                let consumer = plan.consume(channel, queue, window, &tag).await?;
                main = Some((queue.clone(), tag, consumer));
                continue;
            }
            let window = plan.most.min(SMALL_WINDOW);
            let consumer = plan.consume(channel, queue, window, &tag).await?;
            let name: Arc<str> = queue.name.as_str().into();
            let ended = cancelled(&name);
            // A stream that ends would vanish silently from the set: make its end an error.
            let stream = consumer
                .map(move |item| Ok((name.clone(), item?)))
                .chain(stream::once(async move { Err(ended) }));
            others.push(stream.boxed());
            other_tags.push(tag);
        }
        let (main_queue, main_tag, main) = main.ok_or_else(|| cancelled(&plan.main))?;
        Ok(Self {
            channel: channel.clone(),
            ledger: ledger.clone(),
            main_name: plan.main.as_str().into(),
            main_queue,
            main,
            renewals: 0,
            main_tag,
            others,
            other_tags,
            left: VecDeque::new(),
        })
    }

    /// The next message. May be dropped while it waits.
    pub(super) async fn next(&mut self) -> Result<Delivery, BusError> {
        if let Some(delivery) = self.left.pop_front() {
            return Ok(delivery);
        }
        tokio::select! {
            item = self.main.next() => self.of_main(item),
            Some(item) = self.others.next() => self.of_others(item),
        }
    }

    /// The next message, if it is here. `select!` is not asked: it may say "not yet" of what is
    /// there, to let other tasks run.
    pub(super) fn ready(&mut self) -> Option<Result<Delivery, BusError>> {
        if let Some(delivery) = self.left.pop_front() {
            return Some(Ok(delivery));
        }
        if let Some(item) = self.main.next().now_or_never() {
            return Some(self.of_main(item));
        }
        let item = self.others.next().now_or_never()??;
        Some(self.of_others(item))
    }

    /// Reads the main queue with another window. What the former consumer has received comes
    /// next, and can be settled as before.
    ///
    /// The new consumer starts before the former one is cancelled: a queue with
    /// `amqp_auto_delete` would go with its last consumer, and its messages with it.
    pub(super) async fn resize(&mut self, plan: &Plan, window: u16) -> Result<(), BusError> {
        self.renewals += 1;
        let place = self.main_tag.split('.').next().unwrap_or_default();
        let tag = format!("{place}.{}", self.renewals);
        let new = plan
            .consume(&self.channel, &self.main_queue, window, &tag)
            .await?;
        let old_tag = std::mem::replace(&mut self.main_tag, tag);
        let mut old = std::mem::replace(&mut self.main, new);
        cancel(&self.channel, &old_tag).await?;
        // The broker sent everything before its answer, but what it sent may still be on its way
        // from lapin's reader to the stream: what is not waited for would be held by nobody.
        while let Some(item) = answered_end(old.next()).await? {
            let delivery = self.delivery(&self.main_name, item?);
            self.left.push_back(delivery);
        }
        Ok(())
    }

    /// Cancels every consumer.
    pub(super) async fn cancel(&mut self) -> Result<(), BusError> {
        for tag in self.other_tags.iter().chain([&self.main_tag]) {
            cancel(&self.channel, tag).await?;
        }
        Ok(())
    }

    fn of_main(
        &self,
        item: Option<Result<AmqpDelivery, lapin::Error>>,
    ) -> Result<Delivery, BusError> {
        let item = item.ok_or_else(|| cancelled(&self.main_name))?;
        Ok(self.delivery(&self.main_name, item?))
    }

    fn of_others(&self, item: Other) -> Result<Delivery, BusError> {
        let (queue, delivery) = item?;
        Ok(self.delivery(&queue, delivery))
    }

    fn delivery(&self, queue: &str, delivery: AmqpDelivery) -> Delivery {
        let hold = self.ledger.take(delivery.data.len());
        Delivery::new(queue, delivery, hold)
    }
}

async fn cancel(channel: &Channel, tag: &str) -> Result<(), BusError> {
    let cancel = channel.basic_cancel(tag.into(), BasicCancelOptions::default());
    answered("basic.cancel", cancel).await
}

/// The next item of a cancelled consumer, or its end, which lapin gives after the last.
async fn answered_end<T>(next: impl Future<Output = T>) -> Result<T, BusError> {
    answered("the end of a cancelled consumer", async { Ok(next.await) }).await
}

fn cancelled(queue: &str) -> BusError {
    BusError::Cancelled {
        queue: queue.to_owned(),
    }
}
