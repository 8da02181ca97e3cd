//! `[oslo_messaging_notifications]`.

use super::option::Opt;
use super::reader::Reader;
use super::{TransportUrl, transport_url};

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

/// Reads the section.
pub(super) fn read(r: &mut Reader<'_>) -> NotificationOptions {
    const GROUP: &str = "oslo_messaging_notifications";
    let driver = Opt::new(GROUP, "driver").old(&[("DEFAULT", "notification_driver")]);
    let mut drivers = Vec::new();
    for (name, origin) in r.multi(&driver) {
        // Old files name the classes of oslo.messaging or Cinder by path.
        let last = name.rsplit(['.', ':']).next().unwrap_or_default();
        let found = match name.as_str() {
            "messagingv2" => NotificationDriver::MessagingV2,
            "messaging" => NotificationDriver::Messaging,
            "log" => NotificationDriver::Log,
            "noop" | "" => continue,
            _ if last == "MessagingV2Driver" || last == "rpc_notifier2" => {
                NotificationDriver::MessagingV2
            }
            _ if last == "MessagingDriver" || last == "rpc_notifier" => {
                NotificationDriver::Messaging
            }
            _ if last == "LogDriver" || last == "log_notifier" => NotificationDriver::Log,
            _ => {
                let problem = format!("{name:?} is not supported");
                r.fault(
                    &driver,
                    Some(&origin),
                    problem,
                    "messagingv2, messaging, log, noop",
                );
                continue;
            }
        };
        if !drivers.contains(&found) {
            drivers.push(found);
        }
    }
    let topics = Opt::new(GROUP, "topics").old(&[
        ("rpc_notifier2", "topics"),
        ("DEFAULT", "notification_topics"),
    ]);
    let topics = match r.list(&topics) {
        Some((topics, _)) => topics
            .into_iter()
            .filter(|topic| !topic.is_empty())
            .collect(),
        None => vec!["notifications".to_owned()],
    };
    NotificationOptions {
        drivers,
        topics,
        url: read_url(r, GROUP),
    }
}

fn read_url(r: &mut Reader<'_>, group: &str) -> Option<TransportUrl> {
    let opt = Opt::new(group, "transport_url")
        .old(&[("DEFAULT", "notification_transport_url")])
        .secret();
    let (text, origin) = r.filled(&opt)?;
    match transport_url::parse(&text) {
        Ok(parsed) => {
            if !parsed.query.is_empty() {
                let problem = "has query options, which only the RPC transport_url may have";
                r.fault(
                    &opt,
                    Some(&origin),
                    problem,
                    "options in [oslo_messaging_rabbit]",
                );
            }
            Some(parsed.url)
        }
        Err(error) => {
            let allowed = transport_url::TransportUrlError::allowed();
            r.fault(&opt, Some(&origin), error.to_string(), allowed);
            None
        }
    }
}
