//! A queue of our own, to hear what is meant for a client: replies to our calls, and what is
//! broadcast on a topic.

use futures::StreamExt;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueDeleteOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Consumer};

use super::BusError;
use super::connect::Connector;
use super::declare::{answered, declare_queue};
use super::link::Link;
use super::topology::{QueueDecl, Topology};
use crate::config::MessagingOptions;

/// Messages on their way to us at most; streams demand a limit.
const WINDOW: u16 = 64;

/// An open queue; it stays on the broker until [`Inbox::close`].
pub struct Inbox {
    queue: QueueDecl,
    connection: Link,
    channel: Channel,
    consumer: Consumer,
}

impl std::fmt::Debug for Inbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inbox")
            .field("queue", &self.queue.name)
            .finish_non_exhaustive()
    }
}

impl Inbox {
    /// For replies to our calls: one queue of a process, as oslo's clients have it. `instance`
    /// makes its name ours when `use_queue_manager` asks for stable names.
    pub async fn for_replies(options: &MessagingOptions, instance: &str) -> Result<Self, BusError> {
        let queue = Topology::new(options).reply_queue(instance);
        Self::open(options, queue, "replies").await
    }

    /// For what is sent to all servers of a topic, from now on: `cinder-scheduler` hears the
    /// capability reports.
    pub async fn for_fanout(
        options: &MessagingOptions,
        topic: &str,
        instance: &str,
    ) -> Result<Self, BusError> {
        let queue = Topology::new(options).fanout_queue(topic, instance);
        Self::open(options, queue, "fanout").await
    }

    async fn open(
        options: &MessagingOptions,
        queue: QueueDecl,
        purpose: &'static str,
    ) -> Result<Self, BusError> {
        let connection = Connector::new(options, purpose).connect().await?;
        let channel = answered("channel.open", connection.create_channel()).await?;
        declare_queue(&channel, &queue).await?;
        let qos = channel.basic_qos(WINDOW, BasicQosOptions::default());
        answered("basic.qos", qos).await?;
        let mut arguments = FieldTable::default();
        if queue.stream {
            arguments.insert(
                "x-stream-offset".into(),
                AMQPValue::LongString("next".into()),
            );
        }
        let consume = channel.basic_consume(
            queue.name.as_str().into(),
            "1".into(),
            BasicConsumeOptions::default(),
            arguments,
        );
        let consumer = answered("basic.consume", consume).await?;
        Ok(Self {
            queue,
            connection,
            channel,
            consumer,
        })
    }

    /// Name of the queue; replies come to the one sent as `_reply_q`.
    pub fn name(&self) -> &str {
        &self.queue.name
    }

    /// The next message's body; acknowledged at once, as clients do.
    pub async fn next(&mut self) -> Result<Vec<u8>, BusError> {
        match self.consumer.next().await {
            Some(Ok(delivery)) => {
                delivery.ack(BasicAckOptions::default()).await?;
                Ok(delivery.data)
            }
            Some(Err(error)) => Err(error.into()),
            None => Err(BusError::Cancelled {
                queue: self.queue.name.clone(),
            }),
        }
    }

    /// Deletes the queue, unless others may use it too, and closes the connection.
    pub async fn close(self) -> Result<(), BusError> {
        if self.queue.private {
            let delete = self.channel.queue_delete(
                self.queue.name.as_str().into(),
                QueueDeleteOptions::default(),
            );
            answered("queue.delete", delete).await?;
        }
        answered("connection.close", self.connection.close(200, "OK".into())).await
    }
}
