//! Volumes: names, sizes, limits, capacity.

use cinder_volume_xtremio::sim::{Limits, SimOptions, XmsVersion};
use serde_json::json;

use crate::support::xms::TestXms;

#[tokio::test]
async fn a_volume_lives_from_post_to_delete_on_every_release() {
    for version in [
        XmsVersion::V30,
        XmsVersion::V40,
        XmsVersion::V42,
        XmsVersion::V63,
    ] {
        let xms = TestXms::start(version).await;
        let made = xms
            .post("types/volumes", json!({"vol-name": "v1", "vol-size": "3g"}))
            .await;
        assert_eq!(made, [1]);
        let volume = xms.content("types/volumes?name=v1").await;
        assert_eq!(volume["vol-size"], "3145728");
        assert_eq!(volume["index"], 1);
        assert_eq!(volume["naa-name"], "");
        assert_eq!(volume["ancestor-vol-id"], json!([]));
        assert_eq!(volume["vol-id"][1], "v1");
        assert_eq!(volume["guid"].is_string(), version >= XmsVersion::V40);
        assert_eq!(volume["sys-name"].is_string(), version >= XmsVersion::V63);
        assert_eq!(xms.content("types/volumes/1").await, volume);

        xms.put("types/volumes?name=v1", json!({"vol-size": "5g"}))
            .await;
        xms.put("types/volumes/1", json!({"name": "v2"})).await;
        let refused = xms.refused("GET", "types/volumes?name=v1", json!({})).await;
        assert_eq!(refused, "obj_not_found");
        assert_eq!(
            xms.content("types/volumes/?name=v2").await["vol-size"],
            "5242880"
        );
        xms.delete("types/volumes?name=v2").await;
        for path in ["types/volumes?name=v2", "types/volumes/1"] {
            assert_eq!(
                xms.refused("DELETE", path, json!({})).await,
                "obj_not_found"
            );
        }
        let again = json!({"vol-name": "v1", "vol-size": 1024});
        assert_eq!(
            xms.post("types/volumes", again).await,
            [2],
            "indexes are not reused"
        );
        xms.sim.shutdown().await;
    }
}

#[tokio::test]
async fn what_is_wrong_is_refused_and_changes_nothing() {
    let xms = TestXms::start(XmsVersion::V42).await;
    let path = "v2/types/volumes";
    xms.post(path, json!({"vol-name": "a", "vol-size": "2g"}))
        .await;
    xms.post(path, json!({"vol-name": "b", "vol-size": "2g"}))
        .await;
    for (body, message) in [
        (
            json!({"vol-name": "a", "vol-size": "1g"}),
            "vol_obj_name_not_unique",
        ),
        (
            json!({"vol-name": "c", "vol-size": "0g"}),
            "invalid_vol_size",
        ),
        (
            json!({"vol-name": "c", "vol-size": 1000}),
            "invalid_vol_size",
        ),
        (
            json!({"vol-name": "c"}),
            "Command Syntax Error: Missing property vol-size",
        ),
        (
            json!({"vol-size": "1g"}),
            "Command Syntax Error: Missing property vol-name",
        ),
        (
            json!({"vol-name": "c", "vol-size": "1g", "parent-folder-id": "/"}),
            "Command Syntax Error: Invalid property parent-folder-id",
        ),
        (
            json!({"vol-name": "c", "vol-size": "1g", "qos-policy-id": "q"}),
            "Command Syntax Error: Invalid property qos-policy-id",
        ),
    ] {
        assert_eq!(xms.refused("POST", path, body).await, message);
    }
    let by_name = "v2/types/volumes?name=a";
    let shrink = xms.refused("PUT", by_name, json!({"vol-size": "1g"})).await;
    assert_eq!(shrink, "decreasing is not supported");
    let taken = xms.refused("PUT", by_name, json!({"vol-name": "b"})).await;
    assert_eq!(taken, "vol_obj_name_not_unique");
    let missing = xms
        .refused("PUT", "v2/types/volumes?name=c", json!({"vol-size": "9g"}))
        .await;
    assert_eq!(missing, "obj_not_found");
    let stats = xms.sim.stats();
    assert_eq!(stats.rejected_keys["parent-folder-id"], 1);
    let state = xms.sim.state();
    let volumes = state["clusters"][0]["volumes"].as_array().unwrap();
    assert_eq!(volumes.len(), 2);
    assert!(volumes.iter().all(|volume| volume["vol-size"] == "2097152"));
}

#[tokio::test]
async fn limits_are_kept_and_capacity_is_added_up() {
    let xms = TestXms::start_with(SimOptions {
        limits: Limits {
            volumes: 2,
            snapshots_per_volume: 9,
        },
        capacity_gib: 100,
        ..SimOptions::new(XmsVersion::V40)
    })
    .await;
    for name in ["a", "b"] {
        xms.post(
            "v2/types/volumes",
            json!({"vol-name": name, "vol-size": "10g"}),
        )
        .await;
    }
    let third = json!({"vol-name": "c", "vol-size": "1g"});
    assert_eq!(
        xms.refused("POST", "v2/types/volumes", third).await,
        "too_many_objs"
    );
    let copy = json!({"volume-list": ["a"], "snapshot-set-name": "s", "snap-suffix": "s"});
    assert_eq!(
        xms.refused("POST", "v2/types/snapshots", copy).await,
        "too_many_objs"
    );

    let written = xms
        .admin("POST", "/write?name=a", json!({"kb": 4096}))
        .await;
    assert_eq!(written.status, 200);
    let cluster = xms.content("v2/types/clusters?name=xbrick1").await;
    assert_eq!(cluster["vol-size"], "20971520");
    assert_eq!(cluster["ud-ssd-space"], "104857600");
    assert_eq!(cluster["ud-ssd-space-in-use"], "4096");
    assert_eq!(cluster["free-ud-ssd-space"], "104853504");
    assert_eq!(cluster["num-of-vols"], 2);
}

#[tokio::test]
async fn qos_policies_exist_on_6_only() {
    let xms = TestXms::start(XmsVersion::V63).await;
    let policy = json!({"qos-policy-name": "gold", "limit-type": "fixed", "max-iops": "500"});
    xms.post("v2/types/qos-policies", policy).await;
    let volume = json!({"vol-name": "v", "vol-size": "1g", "qos-policy-id": "gold"});
    xms.post("v2/types/volumes", volume).await;
    assert_eq!(
        xms.content("v2/types/volumes/1").await["qos-policy-id"][1],
        "gold"
    );
    let used = xms
        .refused("DELETE", "v2/types/qos-policies?name=gold", json!({}))
        .await;
    assert_eq!(used, "qos_policy_in_use");
    xms.put(
        "v2/types/volumes/1",
        json!({"remove-qos-policy": "enabled"}),
    )
    .await;
    xms.delete("v2/types/qos-policies?name=gold").await;

    let older = TestXms::start(XmsVersion::V42).await;
    let answer = older
        .send("GET", "v2/types/qos-policies", None)
        .await
        .unwrap();
    assert_eq!(answer.status, 404);
}
