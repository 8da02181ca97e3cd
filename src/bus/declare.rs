//! Declares, and the time limit on every answer of the broker.

use std::time::Duration;

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ExchangeKind};
use tokio::time::timeout;

use super::BusError;
use super::topology::{ExchangeDecl, ExchangeType, QueueArgument, QueueDecl};

/// How long the broker may take to answer a declare, a cancel, a confirm or a probe.
pub(super) const ANSWER: Duration = Duration::from_secs(20);
/// AMQP reply code of a declare that does not match what is there.
const PRECONDITION_FAILED: u16 = 406;

/// Waits for the broker's answer, but not for ever: a connection can be alive and mute.
pub(super) async fn answered<T>(
    what: &'static str,
    future: impl Future<Output = Result<T, lapin::Error>>,
) -> Result<T, BusError> {
    answered_within(ANSWER, what, future).await
}

/// The same with a time limit of its own.
pub(super) async fn answered_within<T>(
    limit: Duration,
    what: &'static str,
    future: impl Future<Output = Result<T, lapin::Error>>,
) -> Result<T, BusError> {
    match timeout(limit, future).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(BusError::Mute {
            what,
            seconds: limit.as_secs(),
        }),
    }
}

/// Declares an exchange.
pub(super) async fn declare_exchange(
    channel: &Channel,
    exchange: &ExchangeDecl,
) -> Result<(), BusError> {
    let kind = match exchange.kind {
        ExchangeType::Topic => ExchangeKind::Topic,
        ExchangeType::Fanout => ExchangeKind::Fanout,
    };
    let options = ExchangeDeclareOptions {
        durable: exchange.durable,
        auto_delete: exchange.auto_delete,
        ..ExchangeDeclareOptions::default()
    };
    let declare = channel.exchange_declare(
        exchange.name.as_str().into(),
        kind,
        options,
        FieldTable::default(),
    );
    answered("exchange.declare", declare)
        .await
        .map_err(|e| mismatch(e, || format!("exchange {}", exchange.name)))
}

/// Declares a queue, its exchange and its binding, in oslo's order.
pub(super) async fn declare_queue(channel: &Channel, queue: &QueueDecl) -> Result<(), BusError> {
    if let Some((exchange, _)) = &queue.binding {
        declare_exchange(channel, exchange).await?;
    }
    let options = QueueDeclareOptions {
        durable: queue.durable,
        auto_delete: queue.auto_delete,
        ..QueueDeclareOptions::default()
    };
    let mut arguments = FieldTable::default();
    for (name, value) in &queue.arguments {
        let value = match value {
            QueueArgument::Int(n) => AMQPValue::LongInt(*n),
            QueueArgument::Str(s) => AMQPValue::LongString(s.as_str().into()),
        };
        arguments.insert((*name).into(), value);
    }
    let declare = channel.queue_declare(queue.name.as_str().into(), options, arguments);
    answered("queue.declare", declare)
        .await
        .map_err(|e| mismatch(e, || format!("queue {}", queue.name)))?;
    if let Some((exchange, key)) = &queue.binding {
        let bind = channel.queue_bind(
            queue.name.as_str().into(),
            exchange.name.as_str().into(),
            key.as_str().into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        );
        answered("queue.bind", bind).await?;
    }
    Ok(())
}

fn mismatch(error: BusError, object: impl FnOnce() -> String) -> BusError {
    if let BusError::Amqp(amqp) = &error
        && let Some((PRECONDITION_FAILED, reason)) = BusError::refusal(amqp)
    {
        return BusError::Mismatch {
            object: object(),
            reason,
        };
    }
    error
}
