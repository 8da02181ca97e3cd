//! Backups as cinder-api leaves them, and what cinder-backup would ask.

use serde_json::{Value, json};
use uuid::Uuid;

use super::bodies::{Body, PROJECT};
use super::lab::Lab;

/// Host of the backup service that asks.
pub(crate) const BACKUP_HOST: &str = "bk1";
/// Queue of its casts.
pub(crate) const BACKUP_QUEUE: &str = "cinder-backup.bk1";

const DATA: &str = "/args/backup/versioned_object.data";

impl Lab {
    /// A row as the API makes it before it asks cinder-backup; its id.
    pub(crate) async fn backup(
        &self,
        volume: &str,
        snapshot: Option<&str>,
        status: &str,
    ) -> String {
        let id = Uuid::new_v4().to_string();
        let snapshot = snapshot.map_or("NULL".to_owned(), |id| format!("'{id}'"));
        self.db
            .execute(&format!(
                "INSERT INTO backups (created_at, deleted, id, volume_id, snapshot_id, user_id, \
                 project_id, host, status, size, service, num_dependent_backups) VALUES \
                 ('2026-01-02 03:04:05', false, '{id}', '{volume}', {snapshot}, 'u1', \
                 '{PROJECT}', '{BACKUP_HOST}', '{status}', 1, 'posix', 0)"
            ))
            .await;
        id
    }

    /// A column of a backup's row.
    pub(crate) async fn backup_text(&self, id: &str, column: &str) -> Option<String> {
        let rest = format!("FROM backups WHERE id = '{id}'");
        self.db.text(column, &rest).await
    }

    /// A backup service that is up, or was long ago.
    pub(crate) async fn backup_service(&self, host: &str, seen: &str) {
        self.db
            .execute(&format!(
                "INSERT INTO services (created_at, updated_at, deleted, host, `binary`, topic, \
                 report_count, disabled, availability_zone, rpc_current_version, uuid) VALUES \
                 ('2026-01-02 03:04:05', {seen}, false, '{host}', 'cinder-backup', \
                 'cinder-backup', 1, false, 'nova', '2.4', '{}')",
                Uuid::new_v4()
            ))
            .await;
    }
}

/// `get_backup_device` for a backup; a call's reply is nobody's where `async_call` is set.
pub(crate) fn device_for(backup: &str, volume: &str, snapshot: Option<&str>) -> Body {
    let body = Body::of("get_backup_device");
    let text = |key: &str| body.at(&format!("{DATA}/{key}")).map(str::to_owned);
    let (id, of, host, project) = (
        text("id"),
        text("volume_id"),
        text("host"),
        text("project_id"),
    );
    let exchanges = [
        (id, backup),
        (of, volume),
        (host, BACKUP_HOST),
        (project, PROJECT),
    ];
    let mut body = body.clone();
    for (from, to) in exchanges {
        body = body.exchange(&from.expect("a captured backup"), to);
    }
    let mut args = body.0["args"].take();
    args["backup"]["versioned_object.data"]["snapshot_id"] = json!(snapshot);
    args["async_call"] = Value::Bool(true);
    args["want_objects"] = Value::Bool(true);
    body.0["args"] = args;
    body
}
