//! The `simulate-xms` command.

use cinder_volume_xtremio::cli::simulate_xms::{SimulateXms, start};
use cinder_volume_xtremio::sim::XmsVersion;
use serde_json::Value;

use crate::support::xms::client;

#[tokio::test]
async fn it_tells_where_it_serves_and_whom_to_trust() {
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca.pem");
    let args = SimulateXms {
        listen: "127.0.0.1:0".parse().unwrap(),
        admin: "127.0.0.1:0".parse().unwrap(),
        xms_version: "4.2".parse::<XmsVersion>().unwrap(),
        clusters: vec!["one".into()],
        user: "op".into(),
        password: "p w".into(),
        ca_out: ca.clone(),
        capacity_gib: 7,
        chap: true,
        luns: None,
        portals: vec!["192.0.2.7:3261".parse().unwrap()],
    };
    assert!(!format!("{args:?}").contains("p w"));
    let (handle, ready) = start(args.clone()).await.unwrap();
    let ready: Value = serde_json::from_str(&ready).unwrap();
    assert_eq!(ready["ca"].as_str(), ca.to_str());
    let http = client(&std::fs::read_to_string(&ca).unwrap());
    let url = ready["url"].as_str().unwrap();
    let cluster = format!("{url}/api/json/v2/types/clusters?name=one");
    let get = http.get(cluster).basic_auth("op", Some("p w"));
    let text = get.send().await.unwrap().text().await.unwrap();
    let content = &serde_json::from_str::<Value>(&text).unwrap()["content"];
    assert_eq!(content["ud-ssd-space"], "7340032");
    assert_eq!(content["chap-discovery-mode"], "initiator");
    let admin = ready["admin"].as_str().unwrap();
    let state = http.get(format!("{admin}/state")).send().await.unwrap();
    assert_eq!(state.status(), 200);
    handle.shutdown().await;
    http.get(url).send().await.unwrap_err();

    let lost = dir.path().join("none/ca.pem");
    let error = start(SimulateXms {
        ca_out: lost,
        ..args
    })
    .await
    .unwrap_err();
    assert!(error.to_string().contains("none/ca.pem"), "{error}");
}
