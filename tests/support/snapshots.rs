//! Snapshots, copies and growth in a lab: rows as the API leaves them, and the casts.

use serde_json::{Value, json};
use uuid::Uuid;

use super::bodies::{Body, PROJECT, TYPE};
use super::lab::{Lab, PLAIN};
use super::worker::eventually;

impl Lab {
    /// A snapshot row in any state, with its quota taken; its id.
    pub(crate) async fn snapshot(&self, volume: &str, status: &str) -> String {
        let id = Uuid::new_v4().to_string();
        let size = self.row(volume).await.size.expect("a size");
        self.db
            .execute(&format!(
                "INSERT INTO snapshots (created_at, deleted, id, project_id, user_id, volume_id, \
                 volume_size, status, progress, volume_type_id, use_quota, display_name) VALUES \
                 ('2026-01-02 03:04:05', false, '{id}', '{PROJECT}', 'u1', '{volume}', {size}, \
                 '{status}', '0%', '{TYPE}', true, 'snap')"
            ))
            .await;
        self.db
            .execute(&format!(
                "UPDATE quota_usages SET in_use = in_use + CASE WHEN resource LIKE 'gigabytes%' \
                 THEN {size} ELSE 1 END WHERE project_id = '{PROJECT}' \
                 AND resource NOT LIKE 'volumes%'"
            ))
            .await;
        id
    }

    /// The same with the worker row that a sender makes, before its create.
    pub(crate) async fn snapshot_creating(&self, volume: &str) -> String {
        let id = self.snapshot(volume, "creating").await;
        self.db
            .execute(&format!(
                "INSERT INTO workers (created_at, updated_at, deleted, resource_type, resource_id, \
                 status, service_id, race_preventer) VALUES ('2026-01-02 03:04:05', \
                 '2026-01-02 03:04:05.000000', false, 'Snapshot', '{id}', 'creating', NULL, 0)"
            ))
            .await;
        id
    }

    /// Makes a snapshot through the worker and returns its id.
    pub(crate) async fn snapshotted(&self, backend: &str, volume: &str) -> String {
        let id = self.snapshot_creating(volume).await;
        let body = Body::of("create_snapshot").on_snapshot(&id, volume);
        self.cast(backend, &body).await;
        self.wait_snapshot(&id, "available").await;
        id
    }

    /// Puts a snapshot into `deleting` as the API does, and sends the cast.
    pub(crate) async fn delete_snapshot(&self, backend: &str, id: &str, volume: &str) -> Body {
        self.set_snapshot(id, "status = 'deleting'").await;
        let body = Body::of("delete_snapshot").on_snapshot(id, volume);
        self.cast(backend, &body).await;
        body
    }

    /// Sets columns of a snapshot.
    pub(crate) async fn set_snapshot(&self, id: &str, columns: &str) {
        let sql = format!("UPDATE snapshots SET {columns} WHERE id = '{id}'");
        self.db.execute(&sql).await;
    }

    /// One column of a snapshot.
    pub(crate) async fn snapshot_text(&self, id: &str, column: &str) -> Option<String> {
        let rest = format!("FROM snapshots WHERE id = '{id}'");
        self.db.text(column, &rest).await
    }

    /// Waits for a snapshot's status.
    pub(crate) async fn wait_snapshot(&self, id: &str, status: &str) {
        eventually(&format!("snapshot {id} in status {status}"), async || {
            let found = self.snapshot_text(id, "status").await;
            (found.as_deref() == Some(status)).then_some(())
        })
        .await;
    }

    /// The next event about a snapshot.
    pub(crate) async fn snapshot_event(&self, id: &str, kind: &str) -> Value {
        let of = |m: &Value| m["payload"]["snapshot_id"] == id && m["event_type"] == kind;
        self.next(super::lab::EVENTS, of).await
    }

    /// `in_use` and `reserved` of snapshots, also of the type.
    pub(crate) async fn snapshot_usage(&self) -> [(i64, i64); 2] {
        let mut found = [(0, 0); 2];
        for (usage, resource) in found.iter_mut().zip(["snapshots", "snapshots_gold"]) {
            *usage = self.db.usage(PROJECT, resource).await.expect("a usage row");
        }
        found
    }

    /// Marks a volume as bootable and gives it the metadata of an image.
    pub(crate) async fn bootable(&self, volume: &str) {
        self.set(volume, "bootable = true").await;
        let pairs = [("image_id", "i1"), ("disk_format", "raw")];
        let pairs = pairs.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let added = self.db.db.add_glance_metadata(volume, &pairs.into()).await;
        added.expect("image metadata");
    }

    /// Live rows of image metadata of a volume or a snapshot.
    pub(crate) async fn image_metadata(&self, id: &str) -> i64 {
        let rest = format!(
            "FROM volume_glance_metadata WHERE deleted = false AND (volume_id = '{id}' OR \
             snapshot_id = '{id}')"
        );
        self.db.number("COUNT(*)", &rest).await
    }

    /// Reserves so many GiB, as the API does before a cast; the reservations.
    pub(crate) async fn reserve_gigabytes(&self, by: i64) -> Value {
        let mut ids = Vec::new();
        for resource in ["gigabytes", "gigabytes_gold"] {
            let id = Uuid::new_v4().to_string();
            self.db
                .execute(&format!(
                    "INSERT INTO reservations (created_at, deleted, uuid, usage_id, project_id, \
                     resource, delta, expire) SELECT '2026-01-02 03:04:05', false, '{id}', id, \
                     project_id, resource, {by}, '2036-01-02 03:04:05' FROM quota_usages WHERE \
                     resource = '{resource}' AND project_id = '{PROJECT}'"
                ))
                .await;
            self.db
                .execute(&format!(
                    "UPDATE quota_usages SET reserved = reserved + {by} WHERE resource = \
                     '{resource}'"
                ))
                .await;
            ids.push(id);
        }
        json!(ids)
    }

    /// Puts a volume into `extending` as the API does; the cast.
    pub(crate) async fn extending(&self, backend: &str, id: &str, size: i64) -> Body {
        let before = i64::from(self.row(id).await.size.expect("a size"));
        let reservations = self.reserve_gigabytes(size - before).await;
        self.set(id, "previous_status = status, status = 'extending'")
            .await;
        let host = format!("{PLAIN}@{backend}#{backend}");
        Body::of("extend_volume")
            .on_volume("/args/volume", id, &host)
            .arg("new_size", json!(size))
            .arg("reservations", reservations)
    }

    /// A server's attachment of a volume.
    pub(crate) async fn attached(&self, volume: &str, instance: Option<&str>) {
        let id = Uuid::new_v4();
        let instance = instance.map_or("NULL".to_owned(), |id| format!("'{id}'"));
        self.db
            .execute(&format!(
                "INSERT INTO volume_attachment (created_at, deleted, id, volume_id, instance_uuid, \
                 attach_status) VALUES ('2026-01-02 03:04:05', false, '{id}', '{volume}', \
                 {instance}, 'attached')"
            ))
            .await;
        self.set(volume, "status = 'in-use', attach_status = 'attached'")
            .await;
    }

    /// A row that is to be made from a snapshot or a volume (`column`), and the cast.
    pub(crate) async fn copying(
        &self,
        backend: &str,
        size: i32,
        column: &str,
        source: &str,
    ) -> (String, Body) {
        let id = self.creating(backend, size).await;
        self.set(&id, &format!("{column} = '{source}'")).await;
        let host = format!("{PLAIN}@{backend}#{backend}");
        let body = Body::create(&id, &host, size).everywhere(column, &json!(source));
        (id, body)
    }

    /// GiB of a volume on the array.
    pub(crate) async fn gib_on_array(&self, id: &str) -> u64 {
        let volume = self.xms.content(&format!("types/volumes?name={id}")).await;
        let kilobytes = volume["vol-size"].as_str().expect("a size");
        kilobytes.parse::<u64>().expect("a size") / (1024 * 1024)
    }

    /// Maps a volume or snapshot to an initiator group of its own; the index of the mapping.
    pub(crate) async fn mapped(&self, name: &str) -> u64 {
        let group = format!("ig-{name}");
        let body = json!({"ig-name": group});
        self.xms.post("types/initiator-groups", body).await;
        let body = json!({"vol-id": name, "ig-id": group});
        self.xms.post("types/lun-maps", body).await[0]
    }
}
