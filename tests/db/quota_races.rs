use super::on_every_engine;
use super::quota::{request, volume};
use crate::support::database::TestDb;

on_every_engine!(
    parallel_reservations_end_in_exact_sums,
    only_what_fits_is_reserved
);

async fn parallel_reservations_end_in_exact_sums(t: TestDb) {
    t.quota("p", "volumes", -1).await;
    let commands = (0..20).map(|n| {
        let db = t.db.clone();
        tokio::spawn(async move {
            let reserved = db.reserve(&request("p", volume(1, 3))).await.unwrap();
            if n % 4 == 0 {
                db.roll_back_reservations("p", &reserved.ids).await.unwrap();
            } else {
                db.commit_reservations("p", &reserved.ids).await.unwrap();
            }
        })
    });
    for command in futures::future::join_all(commands).await {
        command.unwrap();
    }
    assert_eq!(t.usage("p", "volumes").await, Some((15, 0)));
    assert_eq!(t.usage("p", "gigabytes").await, Some((45, 0)));
    let open = t.number("COUNT(*)", "FROM reservations WHERE deleted = false");
    assert_eq!(open.await, 0);
}

async fn only_what_fits_is_reserved(t: TestDb) {
    t.quota("p", "volumes", 7).await;
    let rivals = (0..20).map(|_| {
        let db = t.db.clone();
        tokio::spawn(async move { db.reserve(&request("p", volume(1, 1))).await })
    });
    let mut won = 0;
    for rival in futures::future::join_all(rivals).await {
        match rival.unwrap() {
            Ok(_) => won += 1,
            Err(error) => assert!(
                matches!(error, cinder_volume_xtremio::db::DbError::OverQuota { .. }),
                "{error:?}"
            ),
        }
    }
    assert_eq!(won, 7);
    assert_eq!(t.usage("p", "volumes").await, Some((0, 7)));
}
