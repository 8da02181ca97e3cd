//! oslo.messaging and Cinder wire shapes: bytes in, types out. No I/O.
//!
//! A request's way in: [`envelope::open`] gives a [`Message`], [`registry::Registry::dispatch`]
//! a typed [`Command`] or the [`Failure`] to answer with, [`Reply`] the body of the answer.
//! Our own messages are built by `request`, `scheduler`, `backup` and `notification`.

pub mod backup;
pub mod client;
pub mod commands;
pub mod context;
pub mod dedupe;
pub mod dispatch;
pub mod envelope;
pub mod exception;
pub mod failure;
pub mod message;
pub mod notification;
pub mod object;
pub mod opaque;
pub mod registry;
pub mod reply;
pub mod request;
pub mod scheduler;
pub mod schema;
pub mod time;
pub mod version;

mod json;

pub use commands::Resource;
pub use context::RequestContext;
pub use dedupe::{Dedupe, Seen};
pub use envelope::{Opened, Properties, Reject};
pub use exception::CinderException;
pub use failure::Failure;
pub use message::{Message, ReplyTo};
pub use opaque::Opaque;
pub use registry::{Command, Registry};
pub use reply::Reply;
pub use request::{Request, Target};
pub use version::Version;
