//! Sending: one connection, publisher confirms, one message at a time on a channel.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation};
use tokio::sync::{Mutex as AsyncMutex, Semaphore};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{debug, warn};

use super::BusError;
use super::connect::Connector;
use super::declare::{answered, declare_exchange, declare_queue};
use super::link::Link;
use super::topology::Topology;
use crate::config::MessagingOptions;
use crate::retry::Delays;

/// `rpc_conn_pool_size` in oslo: messages on their way at once.
const CHANNELS: usize = 30;

/// Where a message goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// The topic exchange with this routing key.
    Topic(String),
    /// The topic exchange with this routing key; the queue of that name is declared too, so
    /// that messages pile up when nobody consumes (oslo's rule for notifications).
    TopicQueue(String),
    /// The fanout exchange of this topic.
    Fanout(String),
    /// The default exchange: straight to this queue.
    Queue(String),
}

/// A message to send.
#[derive(Debug, Clone)]
pub struct Message {
    /// Where to.
    pub to: Destination,
    /// JSON text.
    pub body: Vec<u8>,
    /// `expiration`, set on calls.
    pub expiration: Option<Duration>,
    /// Ask the broker to return the message if no queue takes it.
    pub mandatory: bool,
}

/// Sends messages and waits for the broker's confirmation; connects when first needed, and
/// again after any error. Cheap to clone.
#[derive(Clone)]
pub struct Publisher {
    inner: Arc<Inner>,
}

struct Inner {
    topology: Topology,
    reconnect_delay: Duration,
    retry_max: Duration,
    connector: AsyncMutex<Connector>,
    live: Mutex<Option<Arc<Live>>>,
    slots: Semaphore,
}

/// One connection and what hangs on it; dropped whole after any error.
struct Live {
    connection: Link,
    idle: Mutex<Vec<Channel>>,
    declared: Mutex<HashSet<String>>,
}

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publisher").finish_non_exhaustive()
    }
}

impl Publisher {
    /// A publisher under these options. Does not connect yet.
    pub fn new(options: &MessagingOptions) -> Self {
        Self {
            inner: Arc::new(Inner {
                topology: Topology::new(options),
                reconnect_delay: options.reconnect_delay,
                retry_max: options.retry_interval_max,
                connector: AsyncMutex::new(Connector::new(options, "publish")),
                live: Mutex::new(None),
                slots: Semaphore::new(CHANNELS),
            }),
        }
    }

    /// Sends a message, trying again over new connections until the broker has confirmed it or
    /// `deadline` has passed. Returns whether a queue took it; without `mandatory` always true.
    ///
    /// After a lost confirmation the same body is sent again, as oslo does: receivers tell the
    /// repeat by its `_unique_id`.
    pub async fn publish(&self, message: &Message, deadline: Instant) -> Result<bool, BusError> {
        let mut delays = Delays::new(self.inner.reconnect_delay, self.inner.retry_max);
        let late = |source| BusError::NotAccepted {
            destination: format!("{:?}", message.to),
            source,
        };
        let Ok(Ok(_slot)) = timeout_at(deadline, self.inner.slots.acquire()).await else {
            return Err(late(None));
        };
        loop {
            let error = match timeout_at(deadline, self.inner.live()).await {
                Ok(Ok(live)) => match timeout_at(deadline, self.send(&live, message)).await {
                    Ok(Ok(routed)) => return Ok(routed),
                    Ok(Err(error)) => {
                        self.inner.forget(&live);
                        error
                    }
                    Err(_) => {
                        // Unknown whether it arrived: the connection must not be used again.
                        self.inner.forget(&live);
                        return Err(late(None));
                    }
                },
                Ok(Err(error)) => error,
                Err(_) => return Err(late(None)),
            };
            let pause = delays.next_delay();
            if Instant::now() + pause >= deadline {
                return Err(late(Some(Box::new(error))));
            }
            warn!(%error, "sending to RabbitMQ failed; trying again");
            sleep(pause).await;
        }
    }

    /// Closes the connection, if there is one.
    pub async fn close(&self) {
        let live = lock(&self.inner.live).take();
        if let Some(live) = live
            && let Err(error) =
                answered("connection.close", live.connection.close(200, "OK".into())).await
        {
            debug!(%error, "the publishing connection did not close cleanly");
        }
    }

    async fn send(&self, live: &Arc<Live>, message: &Message) -> Result<bool, BusError> {
        let channel = live.channel().await?;
        let (exchange, key) = self.route(live, &channel, &message.to).await?;
        let mut properties = BasicProperties::default()
            .with_content_type("application/json".into())
            .with_content_encoding("utf-8".into())
            .with_delivery_mode(2)
            .with_priority(0)
            .with_headers(FieldTable::default());
        if let Some(expiration) = message.expiration {
            properties = properties.with_expiration(expiration.as_millis().to_string().into());
        }
        let options = BasicPublishOptions {
            mandatory: message.mandatory,
            ..BasicPublishOptions::default()
        };
        let publish = async {
            channel
                .basic_publish(
                    exchange.as_str().into(),
                    key.as_str().into(),
                    options,
                    &message.body,
                    properties,
                )
                .await?
                .await
        };
        let routed = match answered("basic.publish", publish).await? {
            Confirmation::Ack(returned) => returned.is_none(),
            Confirmation::Nack(_) | Confirmation::NotRequested => {
                return Err(BusError::NotAccepted {
                    destination: format!("{exchange}/{key}"),
                    source: None,
                });
            }
        };
        lock(&live.idle).push(channel);
        Ok(routed)
    }

    async fn route(
        &self,
        live: &Live,
        channel: &Channel,
        to: &Destination,
    ) -> Result<(String, String), BusError> {
        let topology = &self.inner.topology;
        match to {
            Destination::Topic(key) => {
                let exchange = topology.topic_exchange();
                live.once(&exchange.name, declare_exchange(channel, &exchange))
                    .await?;
                Ok((exchange.name, key.clone()))
            }
            Destination::TopicQueue(key) => {
                let queue = topology.topic_queue(key);
                live.once(&format!("queue {key}"), declare_queue(channel, &queue))
                    .await?;
                Ok((topology.topic_exchange().name, key.clone()))
            }
            Destination::Fanout(topic) => {
                let exchange = topology.fanout_exchange(topic);
                live.once(&exchange.name, declare_exchange(channel, &exchange))
                    .await?;
                Ok((exchange.name, String::new()))
            }
            Destination::Queue(queue) => Ok((String::new(), queue.clone())),
        }
    }
}

impl Inner {
    async fn live(&self) -> Result<Arc<Live>, BusError> {
        if let Some(live) = lock(&self.live).clone() {
            return Ok(live);
        }
        let mut connector = self.connector.lock().await;
        if let Some(live) = lock(&self.live).clone() {
            return Ok(live);
        }
        let live = Arc::new(Live {
            connection: connector.connect().await?,
            idle: Mutex::default(),
            declared: Mutex::default(),
        });
        *lock(&self.live) = Some(live.clone());
        Ok(live)
    }

    /// Drops this connection, unless another sender has replaced it already.
    fn forget(&self, dead: &Arc<Live>) {
        let mut live = lock(&self.live);
        if live.as_ref().is_some_and(|l| Arc::ptr_eq(l, dead)) {
            *live = None;
        }
    }
}

impl Live {
    async fn channel(&self) -> Result<Channel, BusError> {
        let idle = lock(&self.idle).pop();
        if let Some(channel) = idle {
            return Ok(channel);
        }
        let channel = answered("channel.open", self.connection.create_channel()).await?;
        let select = channel.confirm_select(ConfirmSelectOptions::default());
        answered("confirm.select", select).await?;
        Ok(channel)
    }

    async fn once(
        &self,
        what: &str,
        declare: impl Future<Output = Result<(), BusError>>,
    ) -> Result<(), BusError> {
        if !lock(&self.declared).contains(what) {
            declare.await?;
            lock(&self.declared).insert(what.to_owned());
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
