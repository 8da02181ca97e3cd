//! What others learn of us: heartbeats, capability reports, notifications, user messages, casts.

mod capabilities;
mod casts;
mod messages;
mod notifier;
mod outbox;
mod release;
mod service;

pub use capabilities::Capabilities;
pub use casts::{CastError, Casts};
pub use messages::{Action, Detail, Subject};
pub use notifier::Notifier;
pub use outbox::Outbox;
pub use service::ServiceRow;

/// The reporting side of one backend, as commands use it. Cheap to clone.
#[derive(Clone)]
pub struct Report {
    /// Capability reports.
    pub capabilities: Capabilities,
    /// Notifications.
    pub notifier: Notifier,
    /// Casts that must arrive.
    pub casts: Casts,
}
