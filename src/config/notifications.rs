//! `[oslo_messaging_notifications]`.

use super::TransportUrl;

/// How notifications are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotificationDriver {
    /// `messagingv2`: with the oslo envelope.
    MessagingV2,
    /// `messaging`: the bare message.
    Messaging,
    /// `log`: one log line each.
    Log,
}

/// Options of `[oslo_messaging_notifications]`.
#[derive(Debug, Clone)]
pub struct NotificationOptions {
    /// `driver` (repeatable); empty means that no notification is sent.
    pub drivers: Vec<NotificationDriver>,
    /// `topics` (default `notifications`).
    pub topics: Vec<String>,
    /// `transport_url` of its own; `None` uses the RPC one.
    pub url: Option<TransportUrl>,
}
