use cinder_volume_xtremio::db::{AttachmentChanges, Read};
use uuid::Uuid;

use super::on_every_engine;
use crate::support::database::TestDb;

on_every_engine!(
    a_detach_leaves_the_state_of_the_rest,
    an_upload_keeps_its_status,
);

async fn attachment(t: &TestDb, volume: &str, status: &str) -> String {
    let id = Uuid::new_v4().to_string();
    t.execute(&format!(
        "INSERT INTO volume_attachment (deleted, id, volume_id, attach_status) \
         VALUES (false, '{id}', '{volume}', '{status}')"
    ))
    .await;
    id
}

async fn a_detach_leaves_the_state_of_the_rest(t: TestDb) {
    let volume = t.volume("p", "ctl@xio#a", 1, "in-use").await;
    let first = attachment(&t, &volume, "attached").await;
    let second = attachment(&t, &volume, "reserved").await;
    attachment(&t, &volume, "error_attaching").await;
    let changes = AttachmentChanges::new()
        .attach_status("attached")
        .connector(Some(r#"{"initiator": "iqn.x"}"#.into()));
    t.db.update_attachment(&second, &changes).await.unwrap();
    let done = t.db.detach(&volume, &first).await.unwrap();
    assert!(done.found);
    assert_eq!(done.volume.status.as_deref(), Some("in-use"));
    let gone = t.db.detach(&volume, &first).await.unwrap();
    assert!(!gone.found, "a missing attachment is tolerated");
    assert_eq!(t.db.attachments_of_volume(&volume).await.unwrap().len(), 2);
    t.db.detach(&volume, &second).await.unwrap();
    let volume = t.db.volume(&volume, Read::Live).await.unwrap();
    assert_eq!(volume.status.as_deref(), Some("available"));
    assert_eq!(volume.attach_status.as_deref(), Some("detached"));
}

async fn an_upload_keeps_its_status(t: TestDb) {
    let volume = t.volume("p", "ctl@xio#a", 1, "uploading").await;
    let only = attachment(&t, &volume, "attached").await;
    let done = t.db.detach(&volume, &only).await.unwrap();
    assert_eq!(done.volume.status.as_deref(), Some("uploading"));
    assert_eq!(done.volume.attach_status.as_deref(), Some("detached"));
}
