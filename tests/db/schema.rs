use cinder_volume_xtremio::config::Engine;
use cinder_volume_xtremio::db::{DbError, Release, create_standalone};

use super::on_every_engine;
use super::services::identity;
use crate::support::database::TestDb;

on_every_engine!(the_head_is_told);

async fn the_head_is_told(t: TestDb) {
    let revision = t.db.schema_revision().await.unwrap().unwrap();
    assert_eq!(Release::of_revision(&revision), Some(Release::R24To29));
}

#[tokio::test]
async fn release_21_is_read_and_null_use_quota_understood() {
    for engine in [Engine::MySql, Engine::Sqlite] {
        let t = TestDb::release_21(engine).await;
        let revision = t.db.schema_revision().await.unwrap().unwrap();
        assert_eq!(Release::of_revision(&revision), Some(Release::R21));
        t.db.register_service(&identity("ctl@xio")).await.unwrap();
        let plain = t.volume("p", "ctl@xio#a", 1, "available").await;
        let temporary = t.volume("p", "ctl@xio#a", 1, "available").await;
        let target = t.volume("p", "ctl@xio#a", 1, "available").await;
        t.execute("UPDATE volumes SET use_quota = NULL").await;
        t.execute(&format!(
            "UPDATE volumes SET migration_status = 'target:x' WHERE id = '{target}'"
        ))
        .await;
        t.execute(&format!(
            "INSERT INTO volume_admin_metadata (deleted, volume_id, `key`, value) \
             VALUES (false, '{temporary}', 'temporary', 'True')"
        ))
        .await;
        for volume in t.db.volumes_of_host("ctl@xio").await.unwrap() {
            let uses = t.db.volume_uses_quota(&volume).await.unwrap();
            assert_eq!(uses, volume.id == plain);
        }
    }
}

#[tokio::test]
async fn a_standalone_file_is_made_once_and_a_strangers_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.sqlite");
    let db = create_standalone(&path).await.unwrap();
    let made = db.register_service(&identity("ctl@xio")).await.unwrap();
    db.close().await.unwrap();
    let again = create_standalone(&path).await.unwrap();
    let found = again.register_service(&identity("ctl@xio")).await.unwrap();
    assert_eq!(found.service.id, made.service.id);
    let revision = again.schema_revision().await.unwrap();
    assert_eq!(revision.as_deref(), Some("9c74c1c6971f"));

    let stranger = TestDb::new(Engine::Sqlite).await;
    let file = stranger
        .text("file", "FROM pragma_database_list")
        .await
        .unwrap();
    let refused = create_standalone(std::path::Path::new(&file))
        .await
        .unwrap_err();
    assert!(matches!(refused, DbError::Config(_)), "{refused:?}");
}
