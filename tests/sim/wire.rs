//! Authentication, paths, lists, counters.

use cinder_volume_xtremio::sim::XmsVersion;
use serde_json::json;

use crate::support::xms::{TestXms, USER, client};

#[tokio::test]
async fn credentials_are_asked_for() {
    let xms = TestXms::start(XmsVersion::V40).await;
    let url = format!("{}/api/json/v2/types/clusters", xms.sim.url);
    for request in [
        xms.http.get(&url),
        xms.http.get(&url).basic_auth(USER, Some("wrong")),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 401);
        let body: serde_json::Value =
            serde_json::from_str(&response.text().await.unwrap()).unwrap();
        assert_eq!(body["error_code"], 401);
    }
    assert_eq!(xms.sim.stats().auth_failures, 2);
}

#[tokio::test]
async fn only_its_own_authority_vouches_for_it() {
    let xms = TestXms::start(XmsVersion::V40).await;
    let other = TestXms::start(XmsVersion::V40).await;
    let stranger = client(&other.sim.ca_pem);
    assert!(stranger.get(&xms.sim.url).send().await.is_err());
    assert_eq!(xms.sim.stats().requests, 0);
}

#[tokio::test]
async fn connections_are_kept_and_counted() {
    let xms = TestXms::start(XmsVersion::V42).await;
    for _ in 0..5 {
        xms.get("v2/types/volumes?limit=3").await;
    }
    xms.get("v2/types/volumes?filter=name:eq:x").await;
    let stats = xms.admin("GET", "/stats", json!({})).await.body;
    assert_eq!(stats["connections"], 1);
    assert_eq!(stats["handshakes"], 1);
    assert_eq!(stats["requests"], 6);
    assert_eq!(stats["by_type"], json!({"GET volumes": 6}));
    assert_eq!(stats["unfiltered_lists"], json!({"volumes": 5}));
    assert_eq!(stats["unknown_query"], json!({"limit": 5}));
    xms.admin("POST", "/stats/reset", json!({})).await;
    assert_eq!(xms.sim.stats().requests, 0);
}

#[tokio::test]
async fn each_release_lists_its_types() {
    for (version, bases, missing) in [
        (XmsVersion::V30, vec!["types"], "v2/types"),
        (XmsVersion::V42, vec!["types", "v2/types"], "v3/types"),
        (
            XmsVersion::V63,
            vec!["types", "v2/types", "v3/types"],
            "v4/types",
        ),
    ] {
        let xms = TestXms::start(version).await;
        for base in bases {
            let types = xms.get(base).await;
            let names: Vec<&str> = types["children"]
                .as_array()
                .unwrap()
                .iter()
                .map(|child| child["name"].as_str().unwrap())
                .collect();
            assert!(names.contains(&"volumes"));
            assert_eq!(names.contains(&"xms"), version >= XmsVersion::V40);
        }
        assert_eq!(xms.send("GET", missing, None).await.unwrap().status, 404);
    }
}

#[tokio::test]
async fn v3_links_by_guid_and_only_reads() {
    let xms = TestXms::start(XmsVersion::V63).await;
    xms.post(
        "v2/types/volumes",
        json!({"vol-name": "a", "vol-size": "1g"}),
    )
    .await;
    let list = xms.get("v3/types/volumes").await;
    let href = list["volumes"][0]["href"].as_str().unwrap();
    let (_, path) = href.split_once("/api/json/").unwrap();
    let volume = xms.content(path).await;
    assert_eq!(volume["name"], "a");
    assert!(href.ends_with(volume["guid"].as_str().unwrap()));
    let write = xms.refused("POST", "v3/types/volumes", json!({})).await;
    assert_eq!(write, "Method not allowed");
}

#[tokio::test]
async fn lists_are_references_unless_full() {
    let xms = TestXms::start(XmsVersion::V42).await;
    for name in ["a", "b", "c"] {
        xms.post(
            "v2/types/volumes",
            json!({"vol-name": name, "vol-size": "1g"}),
        )
        .await;
    }
    let list = xms.get("v2/types/volumes?filter=name:eq:a,name:eq:c").await;
    let href = format!("{}/api/json/v2/types/volumes/3", xms.sim.url);
    assert_eq!(list["volumes"][1], json!({"href": href, "name": "c"}));
    let full = xms.get("v2/types/volumes?full=1&prop=vol-size").await;
    assert_eq!(full["params"]["id-property"], "vol-id");
    assert_eq!(
        full["volumes"][0],
        json!({"index": 1, "name": "a", "vol-size": "1048576"})
    );
    let one = xms.content("v2/types/volumes?name=b&prop=index").await;
    assert_eq!(one, json!({"index": 2, "name": "b"}));
    let refused = xms.refused("POST", "v2/types/volumes", json!([1])).await;
    assert!(refused.contains("Invalid JSON"), "{refused}");
}

#[tokio::test]
async fn tags_label_objects() {
    let xms = TestXms::start(XmsVersion::V40).await;
    let tag = json!({"entity": "Volume", "tag-name": "gold"});
    xms.post("v2/types/tags", tag.clone()).await;
    assert_eq!(
        xms.refused("POST", "v2/types/tags", tag).await,
        "caption_not_unique"
    );
    let label = json!({"entity": "Volume", "entity-details": "a"});
    xms.put("v2/types/tags?name=/Volume/gold", label).await;
    assert_eq!(
        xms.content("v2/types/tags?name=/Volume/gold").await["num-of-direct-objs"],
        1
    );
    xms.delete("v2/types/tags/1").await;
    assert_eq!(xms.get("v2/types/tags").await["tags"], json!([]));
}
