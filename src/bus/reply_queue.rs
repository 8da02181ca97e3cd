//! Replies to our own calls: one queue of a process, as oslo's clients have it.

use futures::StreamExt;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Consumer};

use super::BusError;
use super::connect::Connector;
use super::declare::{answered, declare_queue};
use super::delivery::Delivery;
use super::line::Link;
use super::topology::{QueueDecl, Topology};
use crate::config::MessagingOptions;

/// A queue for replies, open until [`ReplyQueue::close`].
pub struct ReplyQueue {
    queue: QueueDecl,
    connection: Link,
    channel: Channel,
    consumer: Consumer,
}

impl std::fmt::Debug for ReplyQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReplyQueue")
            .field("queue", &self.queue.name)
            .finish_non_exhaustive()
    }
}

impl ReplyQueue {
    /// Connects, declares the queue and consumes it.
    pub async fn open(options: &MessagingOptions, instance: &str) -> Result<Self, BusError> {
        let queue = Topology::new(options).reply_queue(instance);
        let connection = Connector::new(options, "replies").connect().await?;
        let channel = answered("channel.open", connection.create_channel()).await?;
        declare_queue(&channel, &queue).await?;
        let consume = channel.basic_consume(
            queue.name.as_str().into(),
            "1".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let consumer = answered("basic.consume", consume).await?;
        Ok(Self {
            queue,
            connection,
            channel,
            consumer,
        })
    }

    /// Its name, to be sent as `_reply_q`.
    pub fn name(&self) -> &str {
        &self.queue.name
    }

    /// The next reply's body; acknowledged at once, as clients do.
    pub async fn next(&mut self) -> Result<Vec<u8>, BusError> {
        match self.consumer.next().await {
            Some(Ok(delivery)) => {
                delivery.ack(BasicAckOptions::default()).await?;
                Ok(Delivery::new(&self.queue.name, delivery).body)
            }
            Some(Err(error)) => Err(error.into()),
            None => Err(BusError::Cancelled {
                queue: self.queue.name.clone(),
            }),
        }
    }

    /// Deletes the queue and closes the connection.
    pub async fn close(self) -> Result<(), BusError> {
        let delete = self.channel.queue_delete(
            self.queue.name.as_str().into(),
            QueueDeleteOptions::default(),
        );
        answered("queue.delete", delete).await?;
        answered("connection.close", self.connection.close(200, "OK".into())).await
    }
}
