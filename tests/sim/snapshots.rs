//! Snapshots, their sets, consistency groups, refresh.

use cinder_volume_xtremio::sim::{Limits, SimOptions, XmsVersion};
use serde_json::{Value, json};

use crate::support::xms::TestXms;

async fn with_volumes(version: XmsVersion, names: &[&str]) -> TestXms {
    let xms = TestXms::start(version).await;
    for name in names {
        xms.post("types/volumes", json!({"vol-name": name, "vol-size": "1g"}))
            .await;
    }
    xms
}

#[tokio::test]
async fn v1_names_its_snapshots_and_makes_no_sets() {
    let xms = with_volumes(XmsVersion::V30, &["a"]).await;
    let body = json!({"ancestor-vol-id": "a", "snap-vol-name": "s"});
    assert_eq!(xms.post("types/snapshots", body).await, [2]);
    let snapshot = xms.content("types/snapshots?name=s").await;
    assert_eq!(snapshot["ancestor-vol-id"][1], "a");
    assert_eq!(xms.content("types/volumes/2").await, snapshot);
    assert_eq!(
        xms.content("types/volumes?name=a").await["num-of-dest-snaps"],
        1
    );
    let v2_body = json!({"volume-list": ["a"], "snap-suffix": "x"});
    let refused = xms.refused("POST", "types/snapshots", v2_body).await;
    assert!(
        refused.starts_with("Command Syntax Error: Invalid property"),
        "{refused}"
    );
    let state = xms.sim.state();
    assert_eq!(state["clusters"][0]["snapshot-sets"], json!([]));
}

#[tokio::test]
async fn v2_snapshots_get_suffixed_names_and_a_set() {
    let xms = with_volumes(XmsVersion::V42, &["a", "b"]).await;
    let body = json!({"volume-list": ["a", 2], "snapshot-set-name": "set", "snap-suffix": "x",
        "snapshot-type": "readonly"});
    assert_eq!(xms.post("v2/types/snapshots", body.clone()).await, [3, 4]);
    let snapshot = xms.content("v2/types/volumes?name=a.x").await;
    assert_eq!(snapshot["snapshot-type"], "readonly");
    assert_eq!(snapshot["snapset-list"][0][1], "set");
    let set = xms.content("v2/types/snapshot-sets?name=set").await;
    assert_eq!(set["num-of-vols"], 2);
    assert_eq!(
        xms.refused("POST", "v2/types/snapshots", body.clone())
            .await,
        "vol_obj_name_not_unique"
    );
    let mut other = body.clone();
    other["snap-suffix"] = json!("y");
    let refused = xms.refused("POST", "v2/types/snapshots", other).await;
    assert_eq!(refused, "snapset_obj_name_not_unique");
    let absent = json!({"volume-list": ["a", "none"]});
    assert_eq!(
        xms.refused("POST", "v2/types/snapshots", absent).await,
        "vol_obj_not_found"
    );

    // A renamed snapshot stays in its set; an emptied set is gone; a set takes its members along.
    xms.put("v2/types/snapshots/3", json!({"name": "plain"}))
        .await;
    xms.delete("v2/types/volumes?name=plain").await;
    assert_eq!(
        xms.content("v2/types/snapshot-sets?name=set").await["num-of-vols"],
        1
    );
    xms.delete("v2/types/volumes/4").await;
    let gone = xms
        .refused("GET", "v2/types/snapshot-sets?name=set", json!({}))
        .await;
    assert_eq!(gone, "obj_not_found");
    xms.post("v2/types/snapshots", body).await;
    xms.delete("v2/types/snapshot-sets?name=set").await;
    let names: Vec<Value> = xms.get("v2/types/volumes").await["volumes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|volume| volume["name"].clone())
        .collect();
    assert_eq!(names, ["a", "b"]);
}

#[tokio::test]
async fn without_names_the_array_makes_them_up() {
    let xms = with_volumes(XmsVersion::V40, &["a"]).await;
    xms.post("v2/types/snapshots", json!({"volume-list": ["a"]}))
        .await;
    let snapshot = xms.content("v2/types/snapshots/2").await;
    let name = snapshot["name"].as_str().unwrap();
    let epoch: u64 = name.strip_prefix("a.").unwrap().parse().unwrap();
    assert!(epoch > 1_600_000_000_000, "{name}");
    let set = snapshot["snapset-list"][0][1].as_str().unwrap();
    assert!(set.starts_with("SnapshotSet."), "{set}");
}

#[tokio::test]
async fn copies_outlive_their_source_up_to_a_limit() {
    let xms = TestXms::start_with(SimOptions {
        limits: Limits {
            volumes: 99,
            snapshots_per_volume: 2,
        },
        ..SimOptions::new(XmsVersion::V63)
    })
    .await;
    xms.post(
        "v2/types/volumes",
        json!({"vol-name": "a", "vol-size": "1g"}),
    )
    .await;
    for suffix in ["x", "y"] {
        let body = json!({"volume-list": ["a"], "snap-suffix": suffix});
        xms.post("v2/types/snapshots", body).await;
    }
    let third = json!({"volume-list": ["a"], "snap-suffix": "z"});
    let refused = xms.refused("POST", "v2/types/snapshots", third).await;
    assert_eq!(refused, "too_many_snapshots_per_vol");
    xms.delete("v2/types/volumes?name=a").await;
    let orphan = xms.content("v2/types/snapshots?name=a.x").await;
    assert_eq!(orphan["ancestor-vol-id"], json!([]));
}

#[tokio::test]
async fn groups_snapshot_together_and_leave_their_volumes() {
    let xms = with_volumes(XmsVersion::V40, &["a", "b", "c"]).await;
    let group = json!({"consistency-group-name": "g", "vol-list": ["a"]});
    xms.post("v2/types/consistency-groups", group.clone()).await;
    let refused = xms
        .refused("POST", "v2/types/consistency-groups", group)
        .await;
    assert_eq!(refused, "cg_obj_name_not_unique");
    let members = "v2/types/consistency-group-volumes";
    let add = json!({"cg-id": "g", "vol-id": "b"});
    assert_eq!(xms.post(members, add.clone()).await, [1]);
    assert!(xms.get(members).await["consistency-groups"].is_array());
    let body = json!({"consistency-group-id": "g", "snapshot-set-name": "gs"});
    assert_eq!(xms.post("v2/types/snapshots", body.clone()).await.len(), 2);
    let set = xms.content("v2/types/snapshot-sets?name=gs").await;
    assert_eq!(set["cg-name"], "g");

    let off = xms
        .send("DELETE", &format!("{members}?name=g"), Some(add.clone()))
        .await
        .unwrap();
    assert_eq!(off.status, 200);
    assert_eq!(
        xms.refused("DELETE", &format!("{members}?name=g"), add)
            .await,
        "vol_obj_not_found"
    );
    assert_eq!(
        xms.content("v2/types/consistency-groups?name=g").await["num-of-vols"],
        1
    );
    xms.delete("v2/types/consistency-groups?name=g").await;
    xms.content("v2/types/volumes?name=a").await;
    assert_eq!(
        xms.refused("POST", "v2/types/snapshots", body).await,
        "cg_obj_not_found"
    );
}

#[tokio::test]
async fn refresh_gives_a_volume_the_data_of_its_snapshot() {
    let xms = with_volumes(XmsVersion::V42, &["a"]).await;
    xms.admin("POST", "/write?name=a", json!({"kb": 64})).await;
    let body = json!({"volume-list": ["a"], "snap-suffix": "x"});
    xms.post("v2/types/snapshots", body).await;
    xms.admin("POST", "/write?name=a", json!({"kb": 128})).await;
    let restore =
        json!({"from-volume-id": "a.x", "to-volume-id": "a", "backup-snap-suffix": "bak"});
    xms.post("v2/types/snapshots", restore).await;
    let volume = xms.content("v2/types/volumes?name=a").await;
    assert_eq!(volume["last-refreshed-from-obj-name"], "a.x");
    xms.content("v2/types/snapshots?name=a.bak").await;
    let quiet = json!({"from-volume-id": "a.x", "to-volume-id": "a", "no-backup": "true"});
    assert_eq!(xms.post("v2/types/snapshots", quiet.clone()).await, [1]);
    xms.put("v2/types/volumes?name=a", json!({"vol-size": "2g"}))
        .await;
    assert_eq!(
        xms.refused("POST", "v2/types/snapshots", quiet).await,
        "invalid_vol_size"
    );
}
