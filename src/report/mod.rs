//! What others learn of us: heartbeats, capability reports, notifications, user messages, casts,
//! what runs, and figures.

mod capabilities;
mod casts;
mod messages;
mod metrics;
mod notifier;
mod operation_view;
mod operations;
mod outbox;
mod release;
mod service;

pub use capabilities::Capabilities;
pub use casts::{CastError, Casts};
pub use messages::{Action, Detail, Subject};
pub use metrics::{CONTENT_TYPE, Direction, Metrics, Outcome};
pub use notifier::Notifier;
pub use operation_view::{CopyProgress, CopyView, OperationView};
pub use operations::{Beginning, CopyGuard, Operation, Operations, StepGuard};
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
    /// What runs.
    pub operations: Operations,
    /// Figures of all that ran.
    pub metrics: Metrics,
}
