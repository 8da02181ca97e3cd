use cinder_volume_xtremio::db::{Claim, WorkerOf};

use super::on_every_engine;
use super::services::identity;
use crate::support::database::TestDb;

on_every_engine!(
    a_claimed_row_is_finished_once,
    one_of_many_claims_wins,
    cleanup_takes_rows_as_they_were_read,
);

async fn service(t: &TestDb, host: &str) -> i32 {
    t.db.register_service(&identity(host))
        .await
        .unwrap()
        .service
        .id
}

fn ours(claim: Claim) -> cinder_volume_xtremio::db::Worker {
    match claim {
        Claim::Ours(worker) => worker,
        Claim::Lost => panic!("lost a claim without a rival"),
    }
}

async fn a_claimed_row_is_finished_once(t: TestDb) {
    let (me, of) = (service(&t, "ctl@xio").await, WorkerOf::Volume("v1".into()));
    t.db.set_worker(&of, None, "creating").await.unwrap();
    let worker = ours(t.db.claim_worker(&of, me, "creating").await.unwrap());
    assert_eq!((worker.service_id, worker.race_preventer), (Some(me), 1));
    assert_eq!(
        t.db.worker(&of).await.unwrap(),
        Some(worker.clone()),
        "times survive"
    );
    let again = ours(t.db.claim_worker(&of, me, "creating").await.unwrap());
    assert_eq!(again, worker);
    let worker = ours(
        t.db.update_worker_status(&worker, "downloading")
            .await
            .unwrap(),
    );
    assert!(t.db.finish_worker(&worker).await.unwrap());
    assert!(!t.db.finish_worker(&worker).await.unwrap());
    let fresh = ours(t.db.claim_worker(&of, me, "deleting").await.unwrap());
    assert_eq!(fresh.race_preventer, 0, "made where there was none");
    t.db.set_worker(&of, None, "creating").await.unwrap();
    assert!(
        !t.db.finish_worker(&fresh).await.unwrap(),
        "sent again meanwhile"
    );
}

async fn one_of_many_claims_wins(t: TestDb) {
    let of = WorkerOf::Snapshot("s1".into());
    t.db.set_worker(&of, None, "creating").await.unwrap();
    let read = t.db.worker(&of).await.unwrap().unwrap();
    let mut services = Vec::new();
    for n in 0..8 {
        services.push(service(&t, &format!("ctl{n}@xio")).await);
    }
    let rivals = services.into_iter().map(|me| {
        let (db, read) = (t.db.clone(), read.clone());
        tokio::spawn(async move { db.claim_for_cleanup(&read, me).await.unwrap() })
    });
    let outcomes = futures::future::join_all(rivals).await;
    let won = outcomes
        .iter()
        .filter(|o| matches!(o, Ok(Claim::Ours(_))))
        .count();
    assert_eq!(won, 1);
}

async fn cleanup_takes_rows_as_they_were_read(t: TestDb) {
    let (dead, me) = (service(&t, "ctl1@xio").await, service(&t, "ctl2@xio").await);
    let of = WorkerOf::Volume("v1".into());
    let before = ours(t.db.claim_worker(&of, dead, "deleting").await.unwrap());
    let until = cinder_volume_xtremio::db::now();
    let rows = t.db.workers_of_service(Some(dead), until).await.unwrap();
    assert_eq!(rows, std::slice::from_ref(&before));
    assert!(
        t.db.workers_of_service(None, until)
            .await
            .unwrap()
            .is_empty(),
        "no sentinel"
    );
    let claimed = ours(t.db.claim_for_cleanup(&before, me).await.unwrap());
    assert_eq!(
        t.db.claim_for_cleanup(&before, me).await.unwrap(),
        Claim::Lost
    );
    assert!(t.db.give_worker_back(&claimed, &before).await.unwrap());
    let back = t.db.worker(&of).await.unwrap().unwrap();
    assert_eq!(
        (back.service_id, back.updated_at),
        (Some(dead), before.updated_at)
    );
}
