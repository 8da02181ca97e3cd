//! Casts to cinder-backup.

use serde_json::Map;

use super::context::RequestContext;
use super::object::{Backup, BackupDeviceInfo};
use super::request::{Request, Target};
use super::scheduler::to_value;
use super::version::Version;

/// Topic of the backup service.
pub const TOPIC: &str = "cinder-backup";

/// Tells cinder-backup what to read: the answer to an asynchronous `get_backup_device`.
pub fn continue_backup(
    context: RequestContext,
    backup: &Backup,
    device: &BackupDeviceInfo,
    unique_id: &str,
) -> Request {
    let mut args = Map::new();
    args.insert("backup".to_owned(), to_value(backup));
    args.insert("backup_device".to_owned(), to_value(device));
    cast(context, backup, "continue_backup", args, unique_id)
}

/// Has cinder-backup write a backup onto a volume that was just made for it. Releases before
/// 22 do not know `volume_is_new`: leave it `None` there.
pub fn restore_backup(
    context: RequestContext,
    backup: &Backup,
    volume_id: &str,
    volume_is_new: Option<bool>,
    unique_id: &str,
) -> Request {
    let mut args = Map::new();
    args.insert("backup".to_owned(), to_value(backup));
    args.insert("volume_id".to_owned(), volume_id.into());
    if let Some(new) = volume_is_new {
        args.insert("volume_is_new".to_owned(), new.into());
    }
    cast(context, backup, "restore_backup", args, unique_id)
}

/// To the host that the backup names; to any if it names none.
fn cast(
    context: RequestContext,
    backup: &Backup,
    method: &str,
    args: Map<String, serde_json::Value>,
    unique_id: &str,
) -> Request {
    let target = match backup.host() {
        Some(host) => Target::server(TOPIC, host),
        None => Target::topic(TOPIC),
    };
    let version = Version::new(2, 0);
    Request::cast(target, method, version, args, context, unique_id)
}
