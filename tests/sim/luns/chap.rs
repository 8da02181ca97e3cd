//! CHAP as the array's initiators say it.

use cinder_volume_xtremio::sim::ChapMode;
use serde_json::json;

use super::array::Array;

const REFUSED: &str = "Authentication failure";

#[tokio::test]
async fn hosts_log_in_with_the_credentials_of_their_initiator_only() {
    let (array, host) = Array::with_volume().await;
    let chap = ChapMode::Initiator;
    let right = host.with_chap("chap_user", "ABCDEF123456");
    right
        .size(1)
        .await
        .expect("not asked for, so not looked at");
    array.xms.sim.set_chap(chap, ChapMode::Disabled);
    let nobody = right.size(1).await.unwrap_err();
    nobody.failed_with(REFUSED);
    let credentials = json!({
        "initiator-authentication-user-name": "chap_user",
        "initiator-authentication-password": "ABCDEF123456",
    });
    array.xms.put("v2/types/initiators/1", credentials).await;

    right.io(1, &["write -P 6 0 64k"]).await.fine();
    host.size(1).await.unwrap_err().failed_with(REFUSED);
    let wrong = host.with_chap("chap_user", "ABCDEF123457");
    wrong.size(1).await.unwrap_err().failed_with(REFUSED);
    let wrong = host.with_chap("chap_loser", "ABCDEF123456");
    wrong.size(1).await.unwrap_err().failed_with(REFUSED);

    // Another's credentials are of no use.
    let other = array.host("b").await;
    array.map("v", "b", 1).await;
    let other = other.with_chap("chap_user", "ABCDEF123456");
    other.size(1).await.unwrap_err().failed_with(REFUSED);
    let counted = array.luns().await["initiators"].clone();
    assert_eq!(counted[&other.iqn]["logins"], 0, "{counted}");
    assert_eq!(counted[&host.iqn]["logins"], 2, "{counted}");
    assert!(
        counted[&host.iqn]["attempts"].as_u64() >= Some(6),
        "{counted}"
    );

    array.xms.sim.set_chap(ChapMode::Disabled, chap);
    host.io(1, &["read -P 6 0 64k"]).await.fine();
}
