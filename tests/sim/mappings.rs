//! Initiators, groups, LUN mappings, ports.

use cinder_volume_xtremio::sim::{PortalOptions, SimOptions, XmsVersion};
use serde_json::json;

use crate::support::xms::TestXms;

const IQN: &str = "iqn.1993-08.org.debian:01:abc";

async fn prepared(version: XmsVersion) -> TestXms {
    let xms = TestXms::start(version).await;
    for name in ["a", "b"] {
        xms.post("types/volumes", json!({"vol-name": name, "vol-size": "1g"}))
            .await;
    }
    xms.post("types/initiator-groups", json!({"ig-name": "host"}))
        .await;
    let initiator = json!({"initiator-name": IQN, "port-address": IQN, "ig-id": "host"});
    xms.post("types/initiators", initiator).await;
    xms
}

#[tokio::test]
async fn a_mapping_is_named_by_its_indexes_and_takes_the_lowest_lun() {
    let xms = prepared(XmsVersion::V40).await;
    let maps = "v2/types/lun-maps";
    xms.post(maps, json!({"vol-id": "b", "ig-id": "host", "lun": 1}))
        .await;
    let index = xms.post(maps, json!({"vol-id": 1, "ig-id": 1})).await[0];
    let map = xms.content(&format!("{maps}/{index}")).await;
    assert_eq!((&map["name"], &map["lun"]), (&json!("1_1_1"), &json!(2)));
    assert_eq!(
        (&map["vol-name"], &map["ig-name"], &map["tg-name"]),
        (&json!("a"), &json!("host"), &json!("Default"))
    );
    let again = xms
        .refused("POST", maps, json!({"vol-id": "a", "ig-id": "host"}))
        .await;
    assert_eq!(again, "vol_already_mapped");
    let absent = xms
        .refused("POST", maps, json!({"vol-id": "x", "ig-id": "host"}))
        .await;
    assert_eq!(absent, "vol_obj_not_found");
    let absent = xms
        .refused("POST", maps, json!({"vol-id": "a", "ig-id": "x"}))
        .await;
    assert_eq!(absent, "ig_obj_not_found");

    let volume = xms.content("v2/types/volumes?name=a").await;
    let naa = volume["naa-name"].as_str().unwrap();
    assert_eq!((naa.len(), &naa[..7]), (16, "514f0c5"));
    assert_eq!(volume["lun-mapping-list"][0][0][1], "host");
    assert_eq!(volume["lun-mapping-list"][0][2], 2);
    let refused = xms
        .refused("DELETE", "v2/types/initiator-groups?name=host", json!({}))
        .await;
    assert_eq!(refused, "ig_has_mapped_volumes");

    xms.delete(&format!("{maps}?name=1_1_1")).await;
    let gone = xms
        .refused("DELETE", &format!("{maps}?name=1_1_1"), json!({}))
        .await;
    assert_eq!(gone, "obj_not_found");
    assert_eq!(
        xms.content("v2/types/volumes?name=a").await["naa-name"],
        naa,
        "it stays"
    );
    // A mapped volume may be deleted, and its mapping goes with it.
    xms.delete("v2/types/volumes?name=b").await;
    assert_eq!(
        xms.content("v2/types/initiator-groups?name=host").await["num-of-vols"],
        0
    );
    xms.delete("v2/types/initiator-groups?name=host").await;
    assert_eq!(
        xms.get("v2/types/initiators").await["initiators"],
        json!([])
    );
}

#[tokio::test]
async fn target_groups_other_than_the_default_can_be_mapped() {
    let xms = TestXms::start_with(SimOptions {
        target_groups: vec!["second".into()],
        ..SimOptions::new(XmsVersion::V42)
    })
    .await;
    xms.post(
        "v2/types/volumes",
        json!({"vol-name": "a", "vol-size": "1g"}),
    )
    .await;
    xms.post("v2/types/initiator-groups", json!({"ig-name": "g"}))
        .await;
    let map = json!({"vol-id": "a", "ig-id": "g", "tg-id": "second"});
    xms.post("v2/types/lun-maps", map).await;
    assert_eq!(xms.content("v2/types/lun-maps/1").await["name"], "1_1_2");
}

#[tokio::test]
async fn initiators_are_unique_and_give_their_secrets_back() {
    let xms = prepared(XmsVersion::V40).await;
    let path = "v2/types/initiators";
    let same_name = json!({"initiator-name": IQN, "port-address": "iqn.x:1", "ig-id": "host"});
    assert_eq!(
        xms.refused("POST", path, same_name).await,
        "initiator_obj_name_not_unique"
    );
    let same_port = json!({"initiator-name": "n", "port-address": IQN, "ig-id": "host"});
    assert_eq!(
        xms.refused("POST", path, same_port).await,
        "port_address_not_unique"
    );
    let fc = json!({"initiator-name": "fc", "port-address": "2100001b32817c5f", "ig-id": "host",
        "operating-system": "linux"});
    xms.post(path, fc).await;
    let fc = xms.content("v2/types/initiators?name=fc").await;
    assert_eq!(fc["port-address"], "21:00:00:1b:32:81:7c:5f");
    assert_eq!(fc["port-type"], "fc");

    let read = "chap-authentication-initiator-password";
    assert_eq!(fc[read], json!(null));
    let chap = json!({"initiator-authentication-user-name": "chap_user",
        "initiator-authentication-password": "SECRET"});
    xms.put("v2/types/initiators/1", chap).await;
    let by_port = format!("{path}?full=1&filter=port-address:eq:{IQN}");
    let found = xms.get(&by_port).await;
    assert_eq!(found["initiators"][0][read], "SECRET");
    assert_eq!(found["initiators"].as_array().unwrap().len(), 1);
    let removal = json!({"remove-initiator-authentication-credentials": "enabled"});
    xms.put("v2/types/initiators/1", removal).await;
    assert_eq!(xms.get(&by_port).await["initiators"][0][read], json!(null));

    let old = prepared(XmsVersion::V30).await;
    let system = json!({"port-address": "iqn.x:1", "ig-id": "host", "operating-system": "linux"});
    let refused = old.refused("POST", "types/initiators", system).await;
    assert_eq!(
        refused,
        "Command Syntax Error: Invalid property operating-system"
    );
}

#[tokio::test]
async fn ports_are_listed_with_their_protocol() {
    let xms = TestXms::start(XmsVersion::V63).await;
    let portals = xms.get("v2/types/iscsi-portals?full=1").await;
    let portal = &portals["iscsi-portals"][0];
    assert_eq!(portal["ip-addr"], "10.205.68.5/16");
    assert_eq!(portal["ip-port"], 3260);
    assert_ne!(
        portal["port-address"],
        portals["iscsi-portals"][1]["port-address"]
    );
    let up =
        "v2/types/targets?full=1&filter=port-type:eq:fc&filter=port-state:eq:up&prop=port-address";
    let targets = xms.get(up).await["targets"].clone();
    assert_eq!(targets.as_array().unwrap().len(), 2);
    assert_eq!(
        targets[0].as_object().unwrap().len(),
        3,
        "name, index and what was asked for"
    );
    assert_eq!(targets[0]["name"], "X1-SC1-target1");
    let made = xms.refused("POST", "v2/types/targets", json!({})).await;
    assert_eq!(made, "Method not allowed");
}

#[tokio::test]
async fn portals_may_be_ipv6_and_fc_may_be_absent() {
    let xms = TestXms::start_with(SimOptions {
        portals: vec![PortalOptions::new(
            "fd00:1::5/64",
            "iqn.2008-05.com.xtremio:a",
        )],
        fc_targets: Vec::new(),
        ..SimOptions::new(XmsVersion::V30)
    })
    .await;
    let list = xms.get("types/iscsi-portals").await;
    assert_eq!(list["iscsi-portals"][0]["name"], "fd00:1::5/64");
    let portal = xms
        .content("types/iscsi-portals?name=fd00%3A1%3A%3A5%2F64")
        .await;
    assert_eq!(portal["ip-addr"], "fd00:1::5/64");
    assert_eq!(portal["tar-id"][1], "X1-SC2-iscsi1");
    let targets = xms.get("types/targets").await["targets"].clone();
    assert_eq!(targets.as_array().unwrap().len(), 1);
}
