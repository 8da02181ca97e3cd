//! Messages to the scheduler that must arrive: confirmed by the broker.

use std::time::Duration;

use tokio::time::Instant;

use crate::bus::{BusError, Destination, Message, Publisher};
use crate::rpc::request::Request;

/// Sends casts. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Casts {
    publisher: Publisher,
}

/// A cast that the broker did not take in time.
#[derive(Debug, thiserror::Error)]
#[error("cast {method} not sent: {source}")]
pub struct CastError {
    /// Method of the cast.
    pub method: String,
    /// The cause.
    #[source]
    pub source: BusError,
}

impl Casts {
    /// Casts through this publisher.
    pub fn new(publisher: Publisher) -> Self {
        Self { publisher }
    }

    /// Sends a cast and waits for the broker's confirmation, at most `limit`.
    ///
    /// # Errors
    ///
    /// The broker did not take it in time. It may have arrived all the same: repeat it with the
    /// same `_unique_id`.
    pub async fn send(&self, request: &Request, limit: Duration) -> Result<(), CastError> {
        let to = if request.target.fanout {
            Destination::Fanout(request.target.topic.clone())
        } else {
            Destination::Topic(request.target.routing_key())
        };
        let message = Message {
            to,
            body: request.to_body(),
            expiration: None,
            mandatory: false,
        };
        match self
            .publisher
            .publish(&message, Instant::now() + limit)
            .await
        {
            Ok(_) => Ok(()),
            Err(source) => Err(CastError {
                method: request.method.clone(),
                source,
            }),
        }
    }
}
