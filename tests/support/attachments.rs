//! Attachments in a lab: rows as the API leaves them, calls, and what the array shows to whom.

use cinder_volume_xtremio::cli::call::Answer;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::bodies::Body;
use super::lab::Lab;

/// The connector of an iSCSI and FC host.
pub(crate) fn connector(host: &str) -> Value {
    let number = host
        .bytes()
        .fold(0u32, |sum, byte| sum.wrapping_mul(31) ^ u32::from(byte));
    json!({
        "host": host,
        "initiator": format!("iqn.1993-08.org.debian:01:{host}"),
        "wwpns": [format!("21000024{number:08x}"), format!("21000025{number:08x}")],
        "wwnns": [format!("20000024{number:08x}"), format!("20000025{number:08x}")],
        "ip": "192.0.2.7",
        "multipath": true,
        "os_type": "linux",
        "platform": "x86_64",
    })
}

/// A captured call as a cast: its caller has gone.
pub(crate) fn without_caller(mut body: Body) -> Body {
    body.0
        .retain(|member, _| member != "_msg_id" && member != "_reply_q");
    body
}

impl Lab {
    /// An attachment row in that state; its id.
    pub(crate) async fn attachment(&self, volume: &str, status: &str) -> String {
        let id = Uuid::new_v4().to_string();
        self.db
            .execute(&format!(
                "INSERT INTO volume_attachment (created_at, deleted, id, volume_id, \
                 attach_status, attach_mode) VALUES ('2026-01-02 03:04:05', false, '{id}', \
                 '{volume}', '{status}', 'null')"
            ))
            .await;
        self.set(volume, "status = 'reserved', attach_status = 'detached'")
            .await;
        id
    }

    /// Changes columns of an attachment's row.
    pub(crate) async fn set_attachment(&self, id: &str, columns: &str) {
        self.db
            .execute(&format!(
                "UPDATE volume_attachment SET {columns} WHERE id = '{id}'"
            ))
            .await;
    }

    /// What the API does at attachment-complete.
    pub(crate) async fn complete(&self, volume: &str, attachment: &str) {
        self.set_attachment(attachment, "attach_status = 'attached'")
            .await;
        self.set(volume, "status = 'in-use', attach_status = 'attached'")
            .await;
    }

    /// `attachment_update` of a volume for a host, as a request of the API.
    pub(crate) fn update_of(
        &self,
        volume: &str,
        backend: &str,
        attachment: &str,
        host: &str,
    ) -> Body {
        let pool = format!("{}#{backend}", self.host(backend));
        Body::of("attachment_update")
            .on_volume("/args/vref", volume, &pool)
            .arg("attachment_id", json!(attachment))
            .arg("connector", connector(host))
    }

    /// `attachment_delete`, as a request of the API.
    pub(crate) fn delete_of(&self, volume: &str, backend: &str, attachment: &str) -> Body {
        let pool = format!("{}#{backend}", self.host(backend));
        Body::of("attachment_delete")
            .on_volume("/args/vref", volume, &pool)
            .arg("attachment_id", json!(attachment))
    }

    /// Attaches as the API does, to its end; the attachment and the reply.
    pub(crate) async fn attach(
        &self,
        backend: &str,
        volume: &str,
        host: &str,
    ) -> (String, Map<String, Value>) {
        let attachment = self.attachment(volume, "reserved").await;
        let body = self.update_of(volume, backend, &attachment, host);
        let answer = self.call(backend, "attachment_update", body.args()).await;
        let reply = match answer {
            Answer::Result(reply) => reply,
            other => panic!("attachment_update: {other:?}"),
        };
        self.complete(volume, &attachment).await;
        (attachment, reply.as_object().expect("a dictionary").clone())
    }

    /// Groups of initiators that see the volume, by name.
    pub(crate) async fn seen_by(&self, volume: &str) -> Vec<String> {
        let content = self
            .xms
            .content(&format!("types/volumes?name={volume}"))
            .await;
        let maps = content["lun-mapping-list"].as_array().cloned();
        let names = maps.into_iter().flatten().map(|map| {
            let name = map[0][1].as_str().expect("a group's name");
            name.to_owned()
        });
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    /// A column of an attachment's row.
    pub(crate) async fn attachment_text(&self, id: &str, column: &str) -> Option<String> {
        let rest = format!("FROM volume_attachment WHERE id = '{id}'");
        self.db.text(column, &rest).await
    }
}
