//! What the journal holds of a command before it changes anything.

use serde_json::{Map, Value, json};

use super::source::Source;
use crate::journal::NewIntent;
use crate::rpc::{Command, RequestContext, Resource};

/// Entries of a connector that name an initiator; the rest is no help, or none of our business.
const INITIATORS: [&str; 5] = ["initiator", "wwpns", "wwnns", "host", "multipath"];

/// Key of a resource, in the journal and among the mentions: `volume/<id>`.
pub(super) fn resource_key(resource: Resource<'_>) -> Option<String> {
    let (kind, id) = match resource {
        Resource::Volume(id) => ("volume", id),
        Resource::Snapshot(id) => ("snapshot", id),
        Resource::Group(id) => ("group", id),
        Resource::GroupSnapshot(id) => ("group_snapshot", id),
        Resource::Attachment(id) => ("attachment", id),
        Resource::Backup(id) => ("backup", id),
        Resource::Host => return None,
    };
    Some(format!("{kind}/{id}"))
}

/// The intent of a command that came as the message `unique_id`.
pub(super) fn of(
    command: &Command,
    host: &str,
    unique_id: &str,
    context: &RequestContext,
) -> NewIntent {
    let mut details = Map::new();
    details.insert("request_id".to_owned(), json!(context.request_id));
    let mut planned = Vec::new();
    match command {
        Command::CreateVolume(args) => {
            planned.push(args.volume.name_id().to_owned());
            // The row does not tell a blank volume from one that an image was to fill.
            let source = Source::of(args);
            details.insert("blank".to_owned(), json!(source.is_none()));
            let copied = source.as_ref().and_then(Source::copied);
            details.insert("source".to_owned(), json!(copied));
            if let Some(Source::Image(id)) = &source {
                details.insert("image".to_owned(), json!(id));
            }
            if let Some(Source::Backup(id)) = &source {
                details.insert("backup".to_owned(), json!(id));
            }
        }
        Command::DeleteVolume(args) => {
            details.insert("unmanage_only".to_owned(), json!(args.unmanage_only));
            details.insert("cascade".to_owned(), json!(args.cascade));
        }
        Command::ExtendVolume(args) => growth(&mut details, args.new_size, &args.reservations),
        Command::ExtendVolumeCompletion(args) => {
            growth(&mut details, args.new_size, &args.reservations);
            details.insert("error".to_owned(), json!(args.error));
        }
        Command::CreateSnapshot(args) => {
            planned.push(args.snapshot.id().to_owned());
            details.insert("volume_id".to_owned(), json!(args.snapshot.volume_id()));
        }
        Command::DeleteSnapshot(args) => {
            details.insert("unmanage_only".to_owned(), json!(args.unmanage_only));
        }
        Command::GetBackupDevice(args) => {
            details.insert("async_call".to_owned(), json!(args.async_call));
        }
        Command::InitializeConnection(args) => connector(&mut details, &json!(args.connector)),
        Command::TerminateConnection(args) => connector(&mut details, &json!(args.connector)),
        Command::AttachmentUpdate(args) => connector(&mut details, &json!(args.connector)),
        _ => {}
    }
    NewIntent {
        host: host.to_owned(),
        unique_id: unique_id.to_owned(),
        method: command.method().to_owned(),
        resource: command.resources().into_iter().find_map(resource_key),
        planned,
        details,
    }
}

/// The row knows neither the size wanted nor what is reserved for it.
fn growth(details: &mut Map<String, Value>, new_size: i64, reservations: &Option<Vec<String>>) {
    details.insert("new_size".to_owned(), json!(new_size));
    details.insert("reservations".to_owned(), json!(reservations));
}

fn connector(details: &mut Map<String, Value>, connector: &Value) {
    let named = INITIATORS
        .iter()
        .filter_map(|key| Some(((*key).to_owned(), connector.get(key)?.clone())));
    let named: Map<String, Value> = named.collect();
    if !named.is_empty() {
        details.insert("connector".to_owned(), Value::Object(named));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn of_a_connector_only_the_initiator_is_kept() {
        let mut details = Map::new();
        let from = json!({"initiator": "iqn.a", "auth_password": "s3cret", "ip": "192.0.2.1"});
        connector(&mut details, &from);
        assert_eq!(details["connector"], json!({"initiator": "iqn.a"}));
        connector(&mut Map::new(), &Value::Null);
    }
}
