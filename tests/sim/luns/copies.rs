//! Snapshots and clones hold the bytes of the moment when they were made.

use std::os::unix::fs::MetadataExt as _;

use serde_json::json;

use super::array::Array;

const SNAPSHOTS: &str = "v2/types/snapshots";

#[tokio::test]
async fn a_snapshot_keeps_its_moment_and_takes_no_writes() {
    let (array, host) = Array::with_volume().await;
    host.io(1, &["write -P 1 0 1M"]).await.fine();
    let body = json!({"volume-list": ["v"], "snap-suffix": "s", "snapshot-type": "readonly"});
    array.xms.post(SNAPSHOTS, body).await;
    host.io(1, &["write -P 2 0 1M"]).await.fine();
    array.map("v.s", "a", 2).await;
    host.io(2, &["write -P 9 0 1M"])
        .await
        .failed_with("write protected");
    let bytes = std::fs::read(array.file("v.s").await).unwrap();
    assert_eq!(
        (bytes.len(), bytes[0], bytes[(1 << 20) - 1], bytes[1 << 20]),
        (64 << 20, 1, 1, 0)
    );
    let back = array.folder().join("back.raw");
    host.download(2, &back).await.fine();
    assert!(std::fs::read(&back).unwrap() == bytes);
    let allocated = array.file("v.s").await.metadata().unwrap().blocks() * 512;
    assert!(allocated < 2 << 20, "{allocated} bytes allocated");
}

#[tokio::test]
async fn a_clone_and_its_source_go_their_own_ways() {
    let (array, host) = Array::with_volume().await;
    host.io(1, &["write -P 1 0 1M"]).await.fine();
    let body = json!({"volume-list": ["v"], "snap-suffix": "c", "snapshot-type": "regular"});
    array.xms.post(SNAPSHOTS, body).await;
    array.map("v.c", "a", 2).await;
    host.io(2, &["read -P 1 0 1M", "write -P 2 0 512k"])
        .await
        .fine();
    host.io(1, &["read -P 1 0 1M", "write -P 3 512k 512k"])
        .await
        .fine();
    host.io(2, &["read -P 2 0 512k", "read -P 1 512k 512k"])
        .await
        .fine();

    // The clone's data put back, with the volume's own kept aside.
    let body = json!({"from-volume-id": "v.c", "to-volume-id": "v", "backup-snap-suffix": "old"});
    array.xms.post(SNAPSHOTS, body).await;
    host.io(1, &["read -P 2 0 512k", "read -P 1 512k 512k"])
        .await
        .fine();
    let old = std::fs::read(array.file("v.old").await).unwrap();
    assert_eq!((old[0], old[512 << 10]), (1, 3));
    host.io(1, &["write -P 7 0 1M"]).await.fine();
    host.io(2, &["read -P 2 0 512k"]).await.fine();

    let (clone, volume) = (array.file("v.c").await, array.file("v").await);
    array.xms.delete("v2/types/volumes?name=v").await;
    assert!(clone.exists() && !volume.exists());
    host.io(2, &["read -P 2 0 512k"]).await.fine();
    array.xms.admin("POST", "/reset", json!(null)).await;
    assert!(!clone.exists());
    assert_eq!(array.luns().await["files"]["xbrick1"], json!({}));
}
