//! A message as it came off a queue.

use std::time::{Duration, Instant};

use lapin::Acker;
use lapin::message::Delivery as AmqpDelivery;
use lapin::options::{BasicAckOptions, BasicRejectOptions};
use lapin::types::AMQPValue;

use super::BusError;
use super::declare::answered;
use super::held::Hold;

/// Where a message stands in its stream; as an argument, where a consumer begins.
pub(super) const STREAM_OFFSET: &str = "x-stream-offset";

/// The AMQP properties that decide how a body is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Properties {
    /// `content_type`
    pub content_type: Option<String>,
    /// `content_encoding`
    pub content_encoding: Option<String>,
    /// Header `compression`, set by `kombu_compression`.
    pub compression: Option<String>,
    /// `expiration`: the caller's time limit, counted from publishing.
    pub expiration: Option<Duration>,
}

/// A message taken off a queue and not yet settled.
#[derive(Debug)]
pub struct Delivery {
    /// The body as on the wire.
    pub body: Vec<u8>,
    /// Its properties.
    pub properties: Properties,
    /// The queue it came from.
    pub queue: String,
    /// The broker has delivered it before.
    pub redelivered: bool,
    /// When it reached this process.
    pub received: Instant,
    /// Its place in a stream queue.
    pub(super) stream_offset: Option<i64>,
    acker: Acker,
    hold: Hold,
}

impl Delivery {
    pub(super) fn new(queue: &str, delivery: AmqpDelivery, hold: Hold) -> Self {
        let p = &delivery.properties;
        let text = |s: &Option<lapin::types::ShortString>| s.as_ref().map(ToString::to_string);
        let header = |name: &str| p.headers().as_ref().and_then(|h| h.inner().get(name));
        let compression = header("compression").and_then(|v| match v {
            AMQPValue::LongString(s) => Some(s.to_string()),
            AMQPValue::ShortString(s) => Some(s.to_string()),
            _ => None,
        });
        let stream_offset = match header(STREAM_OFFSET) {
            Some(AMQPValue::LongLongInt(offset)) => Some(*offset),
            _ => None,
        };
        let expiration = text(p.expiration())
            .and_then(|t| t.parse().ok())
            .map(Duration::from_millis);
        Self {
            properties: Properties {
                content_type: text(p.content_type()),
                content_encoding: text(p.content_encoding()),
                compression,
                expiration,
            },
            queue: queue.to_owned(),
            redelivered: delivery.redelivered,
            received: Instant::now(),
            stream_offset,
            body: delivery.data,
            acker: delivery.acker,
            hold,
        }
    }

    /// Whether the caller's time limit has run out while the message waited here.
    pub fn expired(&self) -> bool {
        self.properties
            .expiration
            .is_some_and(|limit| self.received.elapsed() > limit)
    }

    /// A handle that settles the message after the body was moved elsewhere.
    pub fn settler(&self) -> Settler {
        Settler {
            acker: self.acker.clone(),
            hold: self.hold.clone(),
        }
    }
}

/// Acknowledges or rejects one message. Until then, or until the delivery and all its settlers
/// are dropped, the message counts as held.
#[derive(Debug, Clone)]
pub struct Settler {
    acker: Acker,
    hold: Hold,
}

impl Settler {
    /// Tells the broker that the message is done with. An error or `false` means that its
    /// channel has gone, and that the broker will deliver the message again.
    pub async fn ack(&self) -> Result<bool, BusError> {
        let ack = self.acker.ack(BasicAckOptions::default());
        // A line that breaks just now may never say whether the acknowledgement left.
        let result = answered("basic.ack", ack).await;
        self.hold.release();
        result
    }

    /// Drops the message for good (`basic.reject`, no requeue), as oslo does with a body that
    /// cannot be read.
    pub async fn reject(&self) -> Result<bool, BusError> {
        let options = BasicRejectOptions { requeue: false };
        let result = answered("basic.reject", self.acker.reject(options)).await;
        self.hold.release();
        result
    }
}
