use chrono::NaiveDateTime;
use cinder_volume_xtremio::db::{Heartbeat, ServiceChanges, ServiceIdentity};

use super::on_every_engine;
use crate::support::database::TestDb;

pub(super) fn identity(host: &str) -> ServiceIdentity {
    ServiceIdentity {
        host: host.to_owned(),
        binary: "cinder-volume".to_owned(),
        topic: "cinder-volume".to_owned(),
        availability_zone: "nova".to_owned(),
        cluster_name: None,
        rpc_version: "3.20".to_owned(),
        object_version: "1.39".to_owned(),
        disabled: false,
    }
}

on_every_engine!(
    registering_twice_keeps_the_row,
    a_heartbeat_counts_and_recreates,
    disabling_keeps_the_heartbeat_time,
    minimum_versions_leave_ourselves_out,
);

async fn registering_twice_keeps_the_row(t: TestDb) {
    let first = t.db.register_service(&identity("ctl@xio")).await.unwrap();
    assert!(first.created);
    assert_eq!(
        first.service.replication_status.as_deref(),
        Some("not-capable")
    );
    assert_eq!(first.service.deleted, Some(false));
    assert!(first.service.updated_at.is_some());
    let mut newer = identity("ctl@xio");
    newer.rpc_version = "3.21".to_owned();
    let second = t.db.register_service(&newer).await.unwrap();
    assert!(!second.created);
    assert_eq!(second.service.id, first.service.id);
    assert_eq!(second.service.uuid, first.service.uuid);
    assert_eq!(second.service.rpc_current_version.as_deref(), Some("3.21"));
    let found = t.db.find_service("ctl@xio", "cinder-volume").await.unwrap();
    assert_eq!(found, Some(second.service));
    assert_eq!(
        t.db.find_service("ctl@xio", "cinder-backup").await.unwrap(),
        None
    );
}

async fn a_heartbeat_counts_and_recreates(t: TestDb) {
    let identity = identity("ctl@xio");
    let service = t.db.register_service(&identity).await.unwrap().service;
    let ours = t.volume("p", "ctl@xio#pool", 1, "available").await;
    let never = t.volume("p", "ctl@xio#pool", 1, "available").await;
    let uuid = service.uuid.clone().unwrap();
    t.execute(&format!(
        "UPDATE volumes SET service_uuid = '{uuid}' WHERE id = '{ours}'"
    ))
    .await;
    let beat = t.db.heartbeat(service.id, &identity).await.unwrap();
    assert!(matches!(beat, Heartbeat::Beat(1)), "{beat:?}");
    t.execute("UPDATE services SET deleted = true").await;
    let Heartbeat::Recreated(new) = t.db.heartbeat(service.id, &identity).await.unwrap() else {
        panic!("the row was gone");
    };
    assert_ne!((new.id, &new.uuid), (service.id, &service.uuid));
    let of = |id: &str| format!("FROM volumes WHERE id = '{id}'");
    assert_eq!(t.text("service_uuid", &of(&ours)).await, new.uuid);
    assert_eq!(t.text("service_uuid", &of(&never)).await, None);
}

async fn disabling_keeps_the_heartbeat_time(t: TestDb) {
    let id =
        t.db.register_service(&identity("ctl@xio"))
            .await
            .unwrap()
            .service
            .id;
    t.execute("UPDATE services SET updated_at = '2026-01-02 03:04:05'")
        .await;
    let then = NaiveDateTime::parse_from_str("2026-01-02 03:04:05", "%F %T").unwrap();
    let frozen = ServiceChanges::default().disabled(true, Some("frozen"));
    t.db.update_service(id, &frozen).await.unwrap();
    let service = t.db.service(id).await.unwrap();
    assert_eq!(service.updated_at, Some(then));
    assert!(service.modified_at.is_some());
    assert_eq!(service.disabled_reason.as_deref(), Some("frozen"));
    let status = ServiceChanges::default().replication_status("disabled");
    t.db.update_service(id, &status).await.unwrap();
    assert_ne!(t.db.service(id).await.unwrap().updated_at, Some(then));
    let gone = t.db.update_service(id + 1, &status).await.unwrap_err();
    assert!(matches!(
        gone,
        cinder_volume_xtremio::db::DbError::NotFound { .. }
    ));
}

async fn minimum_versions_leave_ourselves_out(t: TestDb) {
    let mut old = identity("ctl@xio1");
    old.rpc_version = "3.9".to_owned();
    let old = t.db.register_service(&old).await.unwrap().service.id;
    t.db.register_service(&identity("ctl@xio2")).await.unwrap();
    let all = t.db.minimum_versions("cinder-volume", None).await.unwrap();
    assert_eq!(all.lowest.unwrap().rpc, (3, 9));
    let others =
        t.db.minimum_versions("cinder-volume", Some(old))
            .await
            .unwrap();
    assert_eq!(others.lowest.unwrap().rpc, (3, 20));
    assert_eq!(others.unknown, 0);
}
