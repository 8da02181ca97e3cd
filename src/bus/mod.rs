//! RabbitMQ: the only user of lapin. Knows exchanges, queues and bytes, not commands.
//!
//! Receiving is a session loop of our own ([`Listener`]): connect, declare, consume; any error,
//! a closed stream or a mute connection drops everything and starts again with growing delays.
//! lapin's own recovery is not used: it was seen to hang for ever after a broken pipe.
//! Sending goes through [`Publisher`]: one connection, confirms, one message at a time on a
//! channel, because a returned message can only be told apart from its neighbours that way.

mod connect;
mod declare;
mod delivery;
mod error;
mod held;
mod inbox;
mod link;
mod listener;
mod publisher;
mod replies;
mod tls;
mod topology;

pub use delivery::{Delivery, Properties, Settler};
pub use error::BusError;
pub use inbox::Inbox;
pub use listener::{Gate, Listener, ListenerState, ReadAhead, Verdict};
pub use publisher::{Destination, Message, Publisher};
pub use replies::Replies;
pub use topology::{ExchangeDecl, ExchangeType, QueueArgument, QueueDecl, ServerQueues, Topology};

/// Under this log target lapin shows each returned message with its body, at WARN. Replies hold
/// CHAP secrets: it must never be let through; [`Replies`] tells of returned ones itself.
pub const BODIES_LOG_TARGET: &str = "lapin::returned_messages";
