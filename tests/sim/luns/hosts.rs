//! Who sees which disk, and where.

use serde_json::json;

use super::array::{Array, Portal};

#[tokio::test]
async fn groups_see_their_own_disks_under_the_same_number() {
    let (array, a) = Array::with_volume().await;
    let b = array.host("b").await;
    array.volume("w").await;
    b.size(1).await.unwrap_err().failed_with("Target not found");
    array.map("w", "b", 1).await;
    a.io(1, &["write -P 0xaa 0 1M"]).await.fine();
    b.io(1, &["read -P 0 0 1M", "write -P 0xbb 0 1M"])
        .await
        .fine();
    a.io(1, &["read -P 0xaa 0 1M"]).await.fine();
    assert_eq!(std::fs::read(array.file("v").await).unwrap()[0], 0xaa);
    assert_eq!(std::fs::read(array.file("w").await).unwrap()[0], 0xbb);

    // One volume that both see.
    array.map("v", "b", 7).await;
    b.io(7, &["read -P 0xaa 0 1M"]).await.fine();
    a.size(7).await.unwrap_err().failed_with("NOT_SUPPORTED");

    let stranger = array.stranger("c");
    stranger
        .size(1)
        .await
        .unwrap_err()
        .failed_with("Target not found");
    array.xms.delete("v2/types/initiators/1").await;
    a.size(1).await.unwrap_err().failed_with("Target not found");
}

#[tokio::test]
async fn every_portal_leads_to_the_same_disks() {
    let (array, first) = Array::with_volume().await;
    let second = first.at(&array.portals[1]);
    first.io(1, &["write -P 3 0 64k"]).await.fine();
    second
        .io(1, &["read -P 3 0 64k", "write -P 4 0 64k"])
        .await
        .fine();

    let mixed = Portal {
        iqn: array.portals[0].iqn.clone(),
        ..array.portals[1].clone()
    };
    let refused = first.at(&mixed).size(1).await.unwrap_err();
    refused.failed_with("Target not found");

    let dead = json!({"address": array.portals[0].address, "dead": true});
    array.disturb(dead).await;
    assert!(first.size(1).await.is_err());
    second.io(1, &["read -P 4 0 64k"]).await.fine();
    array
        .xms
        .admin("DELETE", "/luns/portals", json!(null))
        .await;
    first.io(1, &["read -P 4 0 64k"]).await.fine();
    let absent = json!({"address": "127.0.0.9:1", "dead": true});
    let answer = array.xms.admin("POST", "/luns/portals", absent).await;
    assert_eq!(answer.status, 404);
}
