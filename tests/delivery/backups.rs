//! The cases about backups.

use serde_json::{Value, json};

use super::case::{Case, Given, POOL};
use crate::support::backups::{BACKUP_HOST, BACKUP_QUEUE, device_for};
use crate::support::bodies::{Body, opened};
use crate::support::lab::Lab;

/// The kill points that only these commands pass.
pub(super) fn points(case: Case) -> Option<&'static [&'static str]> {
    Some(match case {
        Case::BackupDevice => &[
            "get_backup_device.named",
            "get_backup_device.on_array",
            "backup.told",
        ],
        Case::FromBackup => &[
            "worker.claimed",
            "create_volume.on_array",
            "create_volume.restore_written",
            "create_volume.ended",
            "backup.told",
        ],
        _ => return None,
    })
}

/// As `Case::prepare`; `None` for cases that are not about backups.
pub(super) async fn prepare(case: Case, lab: &Lab) -> Option<Given> {
    let volume = match case {
        Case::BackupDevice | Case::FromBackup => lab.created("xio", 1).await,
        _ => return None,
    };
    lab.queue_of(BACKUP_QUEUE).await;
    let given = if case == Case::BackupDevice {
        lab.set(&volume, "status = 'backing-up', previous_status = 'in-use'")
            .await;
        let backup = lab.backup(&volume, None, "creating").await;
        let body = device_for(&backup, &volume, None);
        let mut given = Given::new(lab, volume, body).await;
        given.backup = Some(backup);
        given
    } else {
        let services = "FROM services WHERE `binary` = 'cinder-backup'";
        if lab.db.number("COUNT(*)", services).await == 0 {
            // Seen for as long as the test runs.
            lab.backup_service(BACKUP_HOST, "'2100-01-01 00:00:00'")
                .await;
        }
        let backup = lab.backup(&volume, None, "available").await;
        let id = lab.creating("xio", 1).await;
        let body = Body::create(&id, POOL, 1).everywhere("backup_id", &json!(backup));
        let mut given = Given::new(lab, id, body).await;
        given.backup = Some(backup);
        given
    };
    Some(given)
}

/// What comes next: the backup has ended, and cinder-backup has tidied up.
pub(super) async fn succeed(case: Case, lab: &Lab, given: &Given) -> bool {
    let Some(backup) = &given.backup else {
        return false;
    };
    lab.set(&given.id, "status = 'available'").await;
    let ended = format!("UPDATE backups SET status = 'available' WHERE id = '{backup}'");
    lab.db.execute(&ended).await;
    matches!(case, Case::BackupDevice | Case::FromBackup)
}

/// What the command can have left of a backup: its row, its temporary volume, what cinder-backup
/// was sent (oslo drops what has the same id).
pub(super) async fn left(lab: &Lab, backup: &str) -> Value {
    let mut sent = std::collections::BTreeSet::new();
    let mut back = Vec::new();
    while let Some(message) = lab.broker.get(BACKUP_QUEUE).await {
        let cast = opened(&message.data);
        if cast["args"]["backup"]["versioned_object.data"]["id"] == *backup {
            sent.insert(cast["_unique_id"].as_str().unwrap().to_owned());
        }
        back.push(message);
    }
    for message in &back {
        let sent = lab.broker.publish(
            "openstack",
            BACKUP_QUEUE,
            message.properties.clone(),
            &message.data,
        );
        assert!(sent.await, "it was there");
    }
    let temporary = lab.backup_text(backup, "temp_volume_id").await;
    let row = match &temporary {
        Some(id) => Some(lab.row(id).await),
        None => None,
    };
    let of_array = |id: &String| {
        lab.array()
            .iter()
            .filter(|name| name.contains(id.as_str()))
            .count()
    };
    json!({
        "status": lab.backup_text(backup, "status").await,
        "casts": sent.len(),
        "temporary": row.map(|row| json!([row.status, row.size, row.deleted, row.use_quota])),
        "on_array": temporary.as_ref().map(of_array),
    })
}
