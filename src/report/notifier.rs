//! `[oslo_messaging_notifications]`: events for whoever meters or audits the cloud.

use chrono::Utc;
use tracing::info;
use uuid::Uuid;

use super::outbox::Outbox;
use crate::bus::{Destination, Message};
use crate::config::{NotificationDriver, NotificationOptions};
use crate::rpc::RequestContext;
use crate::rpc::notification::{Format, Notification, Priority};
use crate::rpc::opaque::Opaque;
use crate::rpc::time;

/// Writes notifications by the configured drivers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Notifier {
    options: NotificationOptions,
    outbox: Outbox,
}

impl Notifier {
    /// A notifier under these options; bodies leave through `outbox`.
    pub fn new(options: &NotificationOptions, outbox: Outbox) -> Self {
        Self {
            options: options.clone(),
            outbox,
        }
    }

    /// Whether anybody is told anything: payloads need not be gathered otherwise.
    pub fn is_on(&self) -> bool {
        !self.options.drivers.is_empty()
    }

    /// Sends one event under this id; `publisher_id` is `service.host`. Never waits, never fails.
    pub fn send(
        &self,
        context: &RequestContext,
        id: Uuid,
        publisher_id: &str,
        event_type: &str,
        priority: Priority,
        payload: Opaque,
    ) {
        let now = Utc::now().naive_utc();
        let notification = Notification {
            message_id: id.to_string(),
            publisher_id: publisher_id.to_owned(),
            event_type: event_type.to_owned(),
            priority,
            payload,
            timestamp: time::notification(now),
            unique_id: id.simple().to_string(),
        };
        for driver in &self.options.drivers {
            let format = match driver {
                NotificationDriver::MessagingV2 => Format::V2,
                NotificationDriver::Messaging => Format::V1,
                NotificationDriver::Log => {
                    info!(publisher_id, event_type, "notification");
                    continue;
                }
            };
            for topic in &self.options.topics {
                self.outbox.push(Message {
                    to: Destination::TopicQueue(priority.routing_key(topic)),
                    body: notification.to_body(format, context, now),
                    expiration: None,
                    mandatory: false,
                });
            }
        }
    }
}
