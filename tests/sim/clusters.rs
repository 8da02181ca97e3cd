//! Several clusters under one XMS.

use cinder_volume_xtremio::sim::{Sim, SimOptions, XmsVersion};
use serde_json::json;

use crate::support::xms::TestXms;

fn two(version: XmsVersion) -> SimOptions {
    SimOptions {
        clusters: vec!["east".into(), "west".into()],
        ..SimOptions::new(version)
    }
}

#[tokio::test]
async fn every_call_must_name_its_cluster() {
    let xms = TestXms::start_with(two(XmsVersion::V42)).await;
    let path = "v2/types/volumes";
    let volume = json!({"vol-name": "a", "vol-size": "1g"});
    assert_eq!(
        xms.refused("POST", path, volume.clone()).await,
        "cluster_id_is_required"
    );
    assert_eq!(
        xms.refused("GET", path, json!({})).await,
        "cluster_id_is_required"
    );
    let mut lost = volume.clone();
    lost["cluster-id"] = json!("south");
    assert_eq!(xms.refused("POST", path, lost).await, "sys_not_found");
    for cluster in [json!("west"), json!(1)] {
        let mut named = volume.clone();
        named["cluster-id"] = cluster;
        assert_eq!(
            xms.post(path, named).await,
            [1],
            "names and indexes are per cluster"
        );
    }
    let west = xms.get("v2/types/volumes?cluster-name=west").await;
    assert_eq!(west["volumes"].as_array().unwrap().len(), 1);
    let by_index = xms.get("v2/types/volumes?cluster-id=2&full=1").await;
    assert_eq!(by_index["volumes"][0]["sys-id"][1], "west");
    assert_eq!(
        xms.get("v2/types/clusters").await["clusters"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    xms.content("types/xms/1").await;
    let put = xms
        .refused("PUT", "v2/types/clusters?name=west", json!({"name": "x"}))
        .await;
    assert_eq!(put, "Method not allowed");
}

#[tokio::test]
async fn a_put_by_index_must_carry_the_cluster_in_its_body() {
    let xms = TestXms::start_with(two(XmsVersion::V40)).await;
    let volume = json!({"vol-name": "a", "vol-size": "1g", "cluster-id": "west"});
    xms.post("v2/types/volumes", volume).await;
    let misread = "v2/types/volumes/1?cluster-name=west";
    let refused = xms.refused("PUT", misread, json!({"name": "b"})).await;
    assert_eq!(refused, "vol_not_found");
    let body = json!({"name": "b", "cluster-id": "west"});
    xms.put("v2/types/volumes/1", body).await;
    xms.content("v2/types/volumes?name=b&cluster-name=west")
        .await;
}

#[tokio::test]
async fn options_that_no_array_has_are_refused() {
    let error = Sim::start(two(XmsVersion::V30)).await.unwrap_err();
    assert!(error.to_string().contains("exactly one cluster"), "{error}");
    let error = Sim::start(SimOptions {
        clusters: vec!["a".into(), "a".into()],
        ..SimOptions::new(XmsVersion::V40)
    })
    .await
    .unwrap_err();
    assert!(error.to_string().contains("given twice"), "{error}");
}
