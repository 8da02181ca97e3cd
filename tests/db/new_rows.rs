use cinder_volume_xtremio::db::{DbError, NewAttachmentRow, NewSnapshotRow, Read};
use uuid::Uuid;

use super::on_every_engine;
use crate::support::database::TestDb;

on_every_engine!(
    a_new_snapshot_is_as_the_api_leaves_it,
    a_new_attachment_is_as_the_api_leaves_it,
);

async fn a_new_snapshot_is_as_the_api_leaves_it(t: TestDb) {
    let new = NewSnapshotRow {
        id: Uuid::new_v4().to_string(),
        user_id: Some("u".into()),
        project_id: Some("p".into()),
        volume_id: t.volume("p", "ctl@xio#a", 3, "available").await,
        volume_size: 3,
        status: "creating".into(),
        volume_type_id: "type-1".into(),
    };
    t.db.insert_snapshot(&new).await.unwrap();
    let row = t.db.snapshot(&new.id, Read::Live).await.unwrap();
    assert_eq!(row.volume_id, new.volume_id);
    assert_eq!(row.status.as_deref(), Some("creating"));
    assert_eq!(row.progress.as_deref(), Some("0%"));
    assert_eq!((row.volume_size, row.use_quota), (Some(3), Some(true)));
    assert!(row.created_at.is_some());
    let again = t.db.insert_snapshot(&new).await.unwrap_err();
    assert!(matches!(again, DbError::Duplicate(_)), "{again}");
}

async fn a_new_attachment_is_as_the_api_leaves_it(t: TestDb) {
    let new = NewAttachmentRow {
        id: Uuid::new_v4().to_string(),
        volume_id: t.volume("p", "ctl@xio#a", 1, "reserved").await,
        instance_uuid: None,
        attach_status: "reserved".into(),
    };
    t.db.insert_attachment(&new).await.unwrap();
    let row = t.db.attachment(&new.id).await.unwrap();
    assert_eq!(row.volume_id, new.volume_id);
    assert_eq!(row.attach_status.as_deref(), Some("reserved"));
    // the word by which Cinder says that the mode is not known yet
    assert_eq!(row.attach_mode.as_deref(), Some("null"));
    assert!(row.connector.is_none() && row.attach_time.is_none());
    let again = t.db.insert_attachment(&new).await.unwrap_err();
    assert!(matches!(again, DbError::Duplicate(_)), "{again}");
}
