use std::time::Duration;

use cinder_volume_xtremio::db::{
    Claim, DbError, Delta, Ending, QuotaDefaults, QuotaRequest, Read, ResourceKind, VolumeChanges,
    WorkerOf,
};
use uuid::Uuid;

use super::on_every_engine;
use super::services::identity;
use crate::support::database::TestDb;

on_every_engine!(
    missing_usage_rows_count_what_is_there,
    a_delete_gives_back_in_its_last_step,
    over_quota_reserves_nothing,
    usage_never_goes_below_zero,
    a_rollback_frees_what_was_reserved,
    a_foreign_project_changes_nothing,
    a_deleted_type_is_an_unknown_resource,
    an_extend_ends_in_one_transaction,
    a_broken_usage_row_is_counted_again,
    a_usage_column_does_not_overflow,
);

pub(super) fn request(project: &str, deltas: Vec<Delta>) -> QuotaRequest {
    QuotaRequest {
        project_id: project.to_owned(),
        deltas,
        quota_class: None,
        defaults: QuotaDefaults::default(),
        expire: Duration::from_secs(86_400),
    }
}

pub(super) fn volume(sign: i32, size: i32) -> Vec<Delta> {
    let changes = [
        (ResourceKind::Volumes, sign),
        (ResourceKind::Gigabytes, size),
    ];
    Delta::with_type(&changes, None)
}

async fn missing_usage_rows_count_what_is_there(t: TestDb) {
    t.volume_type("type-1", "gold").await;
    let first = t.volume("p", "ctl@xio#a", 5, "available").await;
    t.volume("p", "ctl@xio#a", 7, "available").await;
    t.snapshot("p", &first, 5, "available").await;
    let gold = t.db.volume_type("type-1", Read::Live).await.unwrap();
    let changes = [(ResourceKind::Volumes, 1), (ResourceKind::Gigabytes, 3)];
    let deltas = Delta::with_type(&changes, Some(&gold));
    let reserved = t.db.reserve(&request("p", deltas)).await.unwrap();
    assert_eq!(reserved.ids.len(), 4);
    for name in ["volumes", "volumes_gold"] {
        assert_eq!(t.usage("p", name).await, Some((2, 1)), "{name}");
    }
    for name in ["gigabytes", "gigabytes_gold"] {
        assert_eq!(t.usage("p", name).await, Some((17, 3)), "{name}");
    }
    t.db.commit_reservations("p", &reserved.ids).await.unwrap();
    t.db.commit_reservations("p", &reserved.ids).await.unwrap();
    assert_eq!(t.usage("p", "volumes").await, Some((3, 0)));
    assert_eq!(t.usage("p", "gigabytes_gold").await, Some((20, 0)));
}

async fn a_delete_gives_back_in_its_last_step(t: TestDb) {
    let id = t.volume("p", "ctl@xio#a", 5, "deleting").await;
    t.volume("p", "ctl@xio#a", 7, "available").await;
    let name = |resource: &str| Uuid::new_v5(&Uuid::NAMESPACE_OID, resource.as_bytes());
    let request = request("p", volume(-1, -5));
    let first = t.db.reserve_with_ids(&request, name).await.unwrap();
    let again = t.db.reserve_with_ids(&request, name).await.unwrap();
    assert!(first.fresh && !again.fresh);
    assert_eq!(first.ids, again.ids);
    let of = WorkerOf::Volume(id.clone());
    let registered = t.db.register_service(&identity("ctl@xio")).await.unwrap();
    let claim =
        t.db.claim_worker(&of, registered.service.id, "deleting")
            .await;
    let Claim::Ours(worker) = claim.unwrap() else {
        panic!("nobody else claims it")
    };
    let ending = Ending {
        project_id: "p",
        reservations: &first.ids,
        worker: Some(&worker),
    };
    assert!(t.db.finish_delete(&id, ending).await.unwrap());
    assert!(!t.db.finish_delete(&id, ending).await.unwrap());
    assert_eq!(t.db.worker(&of).await.unwrap(), None);
    let late = t.db.reserve_with_ids(&request, name).await.unwrap();
    assert!(!late.fresh, "what is done with is not reserved again");
    assert_eq!(t.usage("p", "volumes").await, Some((1, 0)));
    assert_eq!(t.usage("p", "gigabytes").await, Some((7, 0)));
    assert!(t.db.volume(&id, Read::Live).await.is_err());
}

async fn over_quota_reserves_nothing(t: TestDb) {
    t.quota("p", "gigabytes", 10).await;
    t.volume("p", "ctl@xio#a", 6, "available").await;
    let error = t.db.reserve(&request("p", volume(1, 5))).await.unwrap_err();
    let DbError::OverQuota { over, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(over.len(), 1);
    assert_eq!(
        (over[0].in_use, over[0].requested, over[0].limit),
        (6, 5, 10)
    );
    assert!(!error.is_transient());
    assert_eq!(t.number("COUNT(*)", "FROM reservations").await, 0);
    assert_eq!(t.usage("p", "volumes").await, Some((1, 0)));
    t.db.reserve(&request("p", volume(1, 4))).await.unwrap();
    t.db.reserve(&request("p", volume(-1, -6))).await.unwrap();
}

async fn usage_never_goes_below_zero(t: TestDb) {
    t.volume("p", "ctl@xio#a", 2, "available").await;
    let reserved = t.db.reserve(&request("p", volume(-3, -50))).await.unwrap();
    assert_eq!(t.usage("p", "gigabytes").await, Some((2, 0)));
    t.db.commit_reservations("p", &reserved.ids).await.unwrap();
    assert_eq!(t.usage("p", "gigabytes").await, Some((0, 0)));
    assert_eq!(t.usage("p", "volumes").await, Some((0, 0)));
}

async fn a_rollback_frees_what_was_reserved(t: TestDb) {
    let reserved = t.db.reserve(&request("p", volume(1, 4))).await.unwrap();
    assert_eq!(t.usage("p", "gigabytes").await, Some((0, 4)));
    t.db.roll_back_reservations("p", &reserved.ids)
        .await
        .unwrap();
    t.db.commit_reservations("p", &reserved.ids).await.unwrap();
    assert_eq!(t.usage("p", "gigabytes").await, Some((0, 0)));
}

async fn a_foreign_project_changes_nothing(t: TestDb) {
    let reserved = t.db.reserve(&request("p", volume(1, 4))).await.unwrap();
    t.db.commit_reservations("other", &reserved.ids)
        .await
        .unwrap();
    assert_eq!(t.usage("p", "gigabytes").await, Some((0, 4)));
    let open = t.number("COUNT(*)", "FROM reservations WHERE deleted = false");
    assert_eq!(open.await, 2);
}

async fn a_deleted_type_is_an_unknown_resource(t: TestDb) {
    t.volume_type("type-1", "gold").await;
    t.execute("UPDATE volume_types SET deleted = true WHERE id = 'type-1'")
        .await;
    let gold = t.db.volume_type("type-1", Read::WithDeleted).await.unwrap();
    let deltas = Delta::with_type(&[(ResourceKind::Volumes, -1)], Some(&gold));
    let error = t.db.reserve(&request("p", deltas)).await.unwrap_err();
    assert!(
        matches!(error, DbError::UnknownQuotaResource { .. }),
        "{error:?}"
    );
    assert_eq!(t.number("COUNT(*)", "FROM reservations").await, 0);
}

async fn an_extend_ends_in_one_transaction(t: TestDb) {
    let id = t.volume("p", "ctl@xio#a", 2, "extending").await;
    let deltas = Delta::with_type(&[(ResourceKind::Gigabytes, 3)], None);
    let reserved = t.db.reserve(&request("p", deltas)).await.unwrap();
    let changes = VolumeChanges::new().size(5).status("available");
    let ending = Ending {
        project_id: "p",
        reservations: &reserved.ids,
        worker: None,
    };
    let lost = t.db.end_volume("nowhere", &changes, ending).await;
    assert!(matches!(lost, Err(DbError::NotFound { .. })));
    assert_eq!(
        t.usage("p", "gigabytes").await,
        Some((2, 3)),
        "all or nothing"
    );
    t.db.end_volume(&id, &changes, ending).await.unwrap();
    assert_eq!(t.usage("p", "gigabytes").await, Some((5, 0)));
    assert_eq!(t.db.volume(&id, Read::Live).await.unwrap().size, Some(5));
}

async fn a_broken_usage_row_is_counted_again(t: TestDb) {
    t.volume("p", "ctl@xio#a", 2, "available").await;
    t.db.reserve(&request("p", volume(1, 1))).await.unwrap();
    t.execute("UPDATE quota_usages SET in_use = -4").await;
    t.db.reserve(&request("p", volume(1, 1))).await.unwrap();
    assert_eq!(t.usage("p", "gigabytes").await, Some((2, 2)));
}

async fn a_usage_column_does_not_overflow(t: TestDb) {
    t.quota("p", "gigabytes", -1).await;
    t.db.reserve(&request("p", volume(1, 1))).await.unwrap();
    let error =
        t.db.reserve(&request("p", volume(1, i32::MAX)))
            .await
            .unwrap_err();
    let DbError::QuotaOverflow { resources, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(resources, ["gigabytes"]);
}
