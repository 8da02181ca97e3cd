use std::collections::BTreeMap;
use std::time::Duration;

use cinder_volume_xtremio::db::{DbError, MetadataOf, Read, UserMessage};

use uuid::Uuid;

use super::on_every_engine;
use crate::support::database::TestDb;

on_every_engine!(
    replacing_touches_only_what_differs,
    glance_metadata_is_copied_once,
    a_message_is_found_by_its_event,
    types_are_read_with_their_specs,
);

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = pairs.iter().map(|(k, v)| ((*k).into(), (*v).into()));
    pairs.collect()
}

async fn replacing_touches_only_what_differs(t: TestDb) {
    let volume = t.volume("p", "ctl@xio#a", 1, "available").await;
    let of = MetadataOf::Volume(&volume);
    let first = pairs(&[("same", "1"), ("other", "2"), ("gone", "3")]);
    t.db.replace_metadata(of, &first).await.unwrap();
    let second = pairs(&[("same", "1"), ("other", "4"), ("new", "5")]);
    t.db.replace_metadata(of, &second).await.unwrap();
    assert_eq!(t.db.metadata(of).await.unwrap(), second);
    let count = |filter: &'static str| t.number("COUNT(*)", filter);
    assert_eq!(count("FROM volume_metadata WHERE deleted = true").await, 1);
    assert_eq!(
        count("FROM volume_metadata WHERE updated_at IS NOT NULL").await,
        1
    );
    let admin = MetadataOf::VolumeAdmin(&volume);
    assert!(t.db.metadata(admin).await.unwrap().is_empty());
}

async fn glance_metadata_is_copied_once(t: TestDb) {
    let volume = t.volume("p", "ctl@xio#a", 1, "available").await;
    let clone = t.volume("p", "ctl@xio#a", 1, "creating").await;
    let snapshot = t.snapshot("p", &volume, 1, "creating").await;
    let image = pairs(&[("image_id", "i1"), ("min_disk", "0")]);
    t.db.add_glance_metadata(&volume, &image).await.unwrap();
    t.db.add_glance_metadata(&volume, &image).await.unwrap();
    let other = pairs(&[("image_id", "i2")]);
    let refused = t.db.add_glance_metadata(&volume, &other).await.unwrap_err();
    assert!(matches!(refused, DbError::GlanceMetadataExists { .. }));
    for _ in 0..2 {
        let db = &t.db;
        let to = db
            .copy_glance_metadata_to_snapshot(&volume, &snapshot)
            .await;
        assert_eq!(to.unwrap(), 2);
        let from = db
            .copy_glance_metadata_from_snapshot(&snapshot, &clone)
            .await;
        assert_eq!(from.unwrap(), 2);
    }
    assert_eq!(t.db.glance_metadata(&clone).await.unwrap(), image);
    let rows = t.number("COUNT(*)", "FROM volume_glance_metadata").await;
    assert_eq!(rows, 6);
    t.db.delete_glance_metadata(&clone).await.unwrap();
    assert!(t.db.glance_metadata(&clone).await.unwrap().is_empty());
}

async fn a_message_is_found_by_its_event(t: TestDb) {
    let message = UserMessage {
        project_id: "p".into(),
        request_id: Some("req-1".into()),
        resource_type: "VOLUME".into(),
        resource_uuid: Some("v1".into()),
        action_id: "007".into(),
        detail_id: "010".into(),
        lifetime: Duration::from_secs(2_592_000),
    };
    let id = Uuid::new_v4();
    for _ in ["once", "and again"] {
        t.db.create_message(id, &message).await.unwrap();
    }
    let event = t
        .text("event_id", &format!("FROM messages WHERE id = '{id}'"))
        .await;
    assert_eq!(event.as_deref(), Some("VOLUME_VOLUME_007_010"));
    let due = t.number(
        "COUNT(*)",
        "FROM messages WHERE expires_at > created_at AND deleted = false",
    );
    assert_eq!(due.await, 1);
}

async fn types_are_read_with_their_specs(t: TestDb) {
    t.volume_type("t1", "gold").await;
    t.execute("INSERT INTO quality_of_service_specs (deleted, id, specs_id, `key`, value) VALUES \
               (false, 'q1', NULL, 'QoS_Specs_Name', 'fast'), (false, 'q2', 'q1', 'consumer', 'both'), \
               (false, 'q3', 'q1', 'iops', '9'), (true, 'q4', 'q1', 'old', '1')").await;
    t.execute(
        "INSERT INTO volume_type_extra_specs (deleted, volume_type_id, `key`, value) \
               VALUES (false, 't1', 'thin', '<is> True'), (true, 't1', 'old', '1')",
    )
    .await;
    let gold = t.db.volume_type("t1", Read::Live).await.unwrap();
    assert_eq!(gold.name.as_deref(), Some("gold"));
    let specs = t.db.extra_specs("t1").await.unwrap();
    assert_eq!(specs.len(), 1);
    assert_eq!(specs["thin"].as_deref(), Some("<is> True"));
    let qos = t.db.qos_specs("q1").await.unwrap().unwrap();
    assert_eq!(
        (qos.name.as_deref(), qos.consumer.as_deref()),
        (Some("fast"), Some("both"))
    );
    assert_eq!(qos.specs.keys().collect::<Vec<_>>(), ["iops"]);
    assert_eq!(t.db.encryption("t1").await.unwrap(), None);
}
