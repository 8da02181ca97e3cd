use cinder_volume_xtremio::db::{
    DbError, Expected, NewVolumeRow, Read, SnapshotChanges, VolumeChanges, VolumeField, now,
};

use super::on_every_engine;
use crate::support::database::TestDb;

on_every_engine!(
    a_host_string_finds_what_is_within_it,
    pages_cover_every_volume_once,
    an_update_that_changes_nothing_still_matches,
    destroying_marks_all_that_hangs_on_it,
    copies_read_the_old_value,
    one_of_many_swaps_wins,
    snapshots_follow_their_volume,
    a_new_row_is_as_the_api_leaves_it,
);

async fn a_host_string_finds_what_is_within_it(t: TestDb) {
    let a = t.volume("p", "ctl@xio#a", 2, "available").await;
    let b = t.volume("p", "ctl@xio#b", 3, "available").await;
    t.volume("p", "ctl@xio2#a", 5, "available").await;
    t.volume("p", "ctl@xio", 7, "available").await;
    let gone = t.volume("p", "ctl@xio#a", 11, "available").await;
    t.db.destroy_volume(&gone).await.unwrap();
    assert_eq!(t.db.volumes_of_host("ctl@xio").await.unwrap().len(), 3);
    assert_eq!(t.db.volumes_of_host("ctl").await.unwrap().len(), 4);
    let pool = t.db.volumes_of_host("ctl@xio#b").await.unwrap();
    assert_eq!(pool.iter().map(|v| &v.id).collect::<Vec<_>>(), [&b]);
    let sums = t.db.allocations("ctl@xio").await.unwrap();
    let sums: Vec<_> = sums
        .iter()
        .map(|s| (s.host.as_str(), s.volumes, s.gigabytes))
        .collect();
    let expected = [("ctl@xio", 1, 7), ("ctl@xio#a", 1, 2), ("ctl@xio#b", 1, 3)];
    assert_eq!(sums, expected);
    let snapshot = t.snapshot("p", &a, 2, "available").await;
    let found = t.db.snapshots_of_host("ctl@xio").await.unwrap();
    assert_eq!(found.iter().map(|s| &s.id).collect::<Vec<_>>(), [&snapshot]);
    assert!(t.db.snapshots_of_host("ctl@xio2").await.unwrap().is_empty());
}

async fn pages_cover_every_volume_once(t: TestDb) {
    let mut made = Vec::new();
    for _ in 0..7 {
        made.push(t.volume("p", "ctl@xio#a", 1, "available").await);
    }
    let (mut seen, mut after) = (Vec::new(), None::<String>);
    loop {
        let page =
            t.db.volume_page("ctl@xio", after.as_deref(), 3)
                .await
                .unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
        seen.extend(page.into_iter().map(|v| v.id));
    }
    made.sort();
    assert_eq!(seen, made);
}

async fn an_update_that_changes_nothing_still_matches(t: TestDb) {
    let id = t.volume("p", "ctl@xio#a", 1, "creating").await;
    let now = cinder_volume_xtremio::db::now();
    let changes = VolumeChanges::new()
        .status("available")
        .launched_at(Some(now))
        .shared_targets(Some(true))
        .provider_auth(Some("CHAP u p".into()));
    for _ in 0..3 {
        t.db.update_volume(&id, &changes).await.unwrap();
    }
    let volume = t.db.volume(&id, Read::Live).await.unwrap();
    assert_eq!(volume.status.as_deref(), Some("available"));
    assert!(volume.updated_at.is_some());
    assert_eq!(volume.provider_auth.as_ref().unwrap().expose(), "CHAP u p");
    assert!(!format!("{volume:?}{changes:?}").contains("CHAP"));
    let missing = t.db.update_volume("nowhere", &changes).await.unwrap_err();
    assert!(matches!(
        missing,
        DbError::NotFound {
            table: "volumes",
            ..
        }
    ));
}

async fn destroying_marks_all_that_hangs_on_it(t: TestDb) {
    let id = t.volume("p", "ctl@xio#a", 1, "deleting").await;
    let snapshot = t.snapshot("p", &id, 1, "available").await;
    t.execute(&format!(
        "INSERT INTO volume_metadata (deleted, volume_id, `key`, value) VALUES (false, '{id}', 'k', 'v')"
    ))
    .await;
    t.execute("UPDATE volumes SET updated_at = '2026-01-02 03:04:05', migration_status = 'x'")
        .await;
    assert!(t.db.destroy_volume(&id).await.unwrap());
    assert!(!t.db.destroy_volume(&id).await.unwrap());
    assert!(matches!(
        t.db.volume(&id, Read::Live).await,
        Err(DbError::NotFound { .. })
    ));
    let volume = t.db.volume(&id, Read::WithDeleted).await.unwrap();
    assert_eq!(volume.status.as_deref(), Some("deleted"));
    assert_eq!(volume.migration_status, None);
    assert!(volume.deleted_at.is_some());
    assert_eq!(
        volume.updated_at.unwrap().to_string(),
        "2026-01-02 03:04:05"
    );
    let snapshot = t.db.snapshot(&snapshot, Read::WithDeleted).await.unwrap();
    assert_eq!(snapshot.deleted, Some(true));
    assert_eq!(snapshot.status.as_deref(), Some("available"));
    let left = t
        .number("COUNT(*)", "FROM volume_metadata WHERE deleted = false")
        .await;
    assert_eq!(left, 0);
}

async fn copies_read_the_old_value(t: TestDb) {
    let id = t.volume("p", "ctl@xio#a", 1, "in-use").await;
    let changes = VolumeChanges::new()
        .status("error")
        .choose(
            VolumeField::MigrationStatus,
            (VolumeField::Status, Expected::is("in-use")),
            "was-used",
            "was-not",
        )
        .copy(VolumeField::PreviousStatus, VolumeField::Status);
    let expected = [
        (
            VolumeField::Status,
            Expected::one_of(["in-use", "available"]),
        ),
        (VolumeField::MigrationStatus, Expected::is("x").negated()),
    ];
    let swap = |c: VolumeChanges| {
        let (db, id, expected) = (&t.db, &id, &expected);
        async move {
            db.conditional_volume_update(id, expected, &c)
                .await
                .unwrap()
        }
    };
    assert!(swap(changes.clone()).await);
    assert!(!swap(changes).await);
    let volume = t.db.volume(&id, Read::Live).await.unwrap();
    assert_eq!(volume.status.as_deref(), Some("error"));
    assert_eq!(volume.previous_status.as_deref(), Some("in-use"));
    assert_eq!(volume.migration_status.as_deref(), Some("was-used"));
}

async fn one_of_many_swaps_wins(t: TestDb) {
    let id = t.volume("p", "ctl@xio#a", 1, "in-use").await;
    let rivals = (0..20).map(|n| {
        let (db, id) = (t.db.clone(), id.clone());
        tokio::spawn(async move {
            let expected = [(VolumeField::Status, Expected::is("in-use"))];
            let changes = VolumeChanges::new().status(format!("winner-{n}"));
            db.conditional_volume_update(&id, &expected, &changes).await
        })
    });
    let mut winners = 0;
    for rival in futures::future::join_all(rivals).await {
        winners += usize::from(rival.unwrap().unwrap());
    }
    assert_eq!(winners, 1);
}

async fn snapshots_follow_their_volume(t: TestDb) {
    let volume = t.volume("p", "ctl@xio#a", 1, "available").await;
    let id = t.snapshot("p", &volume, 1, "creating").await;
    let done = SnapshotChanges::new().status("available").progress("100%");
    let db = &t.db;
    assert!(
        db.conditional_snapshot_update(&id, "creating", &done)
            .await
            .unwrap()
    );
    assert!(
        !db.conditional_snapshot_update(&id, "creating", &done)
            .await
            .unwrap()
    );
    assert_eq!(db.snapshots_of_volume(&volume).await.unwrap().len(), 1);
    assert!(db.destroy_snapshot(&id).await.unwrap());
    assert!(!db.destroy_snapshot(&id).await.unwrap());
    let error = db.update_snapshot(&id, &done).await.unwrap_err();
    assert!(matches!(
        error,
        DbError::NotFound {
            table: "snapshots",
            ..
        }
    ));
}

async fn a_new_row_is_as_the_api_leaves_it(t: TestDb) {
    // MariaDB keeps whole seconds
    let scheduled = chrono::SubsecRound::trunc_subsecs(now(), 0);
    let new = NewVolumeRow {
        id: uuid::Uuid::new_v4().to_string(),
        user_id: Some("u".into()),
        project_id: Some("p".into()),
        host: Some("ctl@xio#a".into()),
        scheduled_at: Some(scheduled),
        size: 3,
        snapshot_id: None,
        source_volid: Some("source-1".into()),
        availability_zone: Some("nova".into()),
        status: "creating".into(),
        migration_status: None,
        display_name: None,
        volume_type_id: "type-1".into(),
        use_quota: true,
        multiattach: false,
    };
    t.db.insert_volume(&new).await.unwrap();
    let row = t.db.volume(&new.id, Read::Live).await.unwrap();
    assert_eq!(row.status.as_deref(), Some("creating"));
    assert_eq!(row.attach_status.as_deref(), Some("detached"));
    assert_eq!(row.scheduled_at, Some(scheduled));
    assert_eq!((row.size, row.use_quota), (Some(3), Some(true)));
    assert_eq!(row.source_volid.as_deref(), Some("source-1"));
    assert_eq!(row.snapshot_id, None);
    assert_eq!(
        (row.bootable, row.shared_targets),
        (Some(false), Some(true))
    );
    assert!(row.created_at.is_some() && row.launched_at.is_none());
    let again = t.db.insert_volume(&new).await.unwrap_err();
    assert!(matches!(again, DbError::Duplicate(_)), "{again}");
}
