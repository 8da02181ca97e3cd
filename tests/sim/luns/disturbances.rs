//! What goes wrong on demand.

use std::time::{Duration, Instant};

use serde_json::json;

use super::array::Array;

#[tokio::test]
async fn logins_are_refused_while_that_is_wanted() {
    let (array, host) = Array::with_volume().await;
    array.disturb(json!({"refuse_logins": true})).await;
    host.size(1)
        .await
        .unwrap_err()
        .failed_with("Service unavailable");
    let portals = array.luns().await["portals"].clone();
    assert_eq!(portals[1]["refuse_logins"], true);
    array.disturb(json!({"refuse_logins": false})).await;
    host.size(1).await.unwrap();
}

#[tokio::test]
async fn a_frozen_portal_answers_later_and_a_slow_one_slowly() {
    let (array, host) = Array::with_volume().await;
    let begun = Instant::now();
    array.disturb(json!({"freeze_ms": 700})).await;
    host.size(1).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(700));
    // The other direction of time: what was to be frozen for long goes on at once.
    array.disturb(json!({"freeze_ms": 600_000})).await;
    let waiting = host.io(1, &["write -P 1 0 2M"]);
    let (written, _) = tokio::join!(waiting, async {
        array
            .xms
            .admin("DELETE", "/luns/portals", json!(null))
            .await
    });
    written.fine();

    let begun = Instant::now();
    array.disturb(json!({"bytes_per_second": 2 << 20})).await;
    host.io(1, &["read -P 1 0 2M"]).await.fine();
    assert!(
        begun.elapsed() >= Duration::from_millis(800),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn hosts_come_back_when_sessions_or_tgtd_break() {
    let (array, host) = Array::with_volume().await;
    // Slow enough to be under way while things happen.
    array.disturb(json!({"bytes_per_second": 4 << 20})).await;
    let writing = host.io(1, &["write -P 5 0 8M", "read -P 5 0 1M"]);
    let (written, ()) = tokio::join!(writing, async {
        let begun = async |bytes: u64| {
            while array.luns().await["initiators"][&host.iqn]["bytes_written"].as_u64()
                < Some(bytes)
            {
                tokio::task::yield_now().await;
            }
        };
        begun(1 << 20).await;
        assert_eq!(array.luns().await["initiators"][&host.iqn]["sessions"], 1);
        array.disturb(json!({"drop": true})).await;
        begun(3 << 20).await;
        let before = array.luns().await["tgtd"].clone();
        let restart = json!({"do": "restart"});
        let answer = array.xms.admin("POST", "/luns/tgtd", restart).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_ne!(array.luns().await["tgtd"], before);
        array.disturb(json!({"bytes_per_second": 0})).await;
    });
    written.fine();
    let counted = array.luns().await["initiators"][&host.iqn].clone();
    assert!(counted["logins"].as_u64() >= Some(3), "{counted}");

    let answer = array
        .xms
        .admin("POST", "/luns/tgtd", json!({"do": "kill"}))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    host.size(1)
        .await
        .unwrap_err()
        .failed_with("Service unavailable");
    // The array goes on, and tgtd finds everything as it is by then.
    array.volume("w").await;
    array.map("w", "a", 2).await;
    array
        .xms
        .admin("POST", "/luns/tgtd", json!({"do": "restart"}))
        .await;
    host.io(1, &["read -P 5 0 8M"]).await.fine();
    host.io(2, &["read -P 0 0 8M"]).await.fine();
}
