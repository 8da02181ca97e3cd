//! iSCSI: what the host is told, and what is left on the array.

use cinder_volume_xtremio::backend::{AttachOptions, Backend, BackendError, Connector};
use cinder_volume_xtremio::sim::{PortalOptions, SimOptions, XmsVersion};
use serde_json::json;

use super::*;

#[tokio::test]
async fn a_new_host_attaches_again_and_detaches_on_every_release() {
    for lab in Lab::all().await {
        lab.volumes(&["v1", "v2"]).await;
        let array = lab.iscsi();
        let host = iscsi_host();
        let connection = array.initialize_connection("v1", &host).await.unwrap();
        assert_eq!(connection.driver_volume_type, "iscsi");
        let data = Value::Object(connection.data);
        let iqns = [
            "iqn.2008-05.com.xtremio:001e67939c34",
            "iqn.2008-05.com.xtremio:001e67939c35",
        ];
        let portals = ["10.205.68.5:3260", "10.205.68.6:3260"];
        let main = usize::from(data["target_portal"] == portals[1]);
        assert_eq!(
            data,
            json!({
                "target_discovered": false,
                "target_iqn": iqns[main],
                "target_portal": portals[main],
                "target_lun": 1,
                "target_iqns": iqns,
                "target_portals": portals,
                "target_luns": [1, 1],
            })
        );
        assert_eq!(lab.mapped(), [format!("v1 {IQN} 1")]);
        assert_eq!(lab.initiators(), [format!("{IQN} {IQN}")]);
        assert_eq!(lab.objects("initiators")[0]["name"], IQN);

        assert_eq!(attach(&array, "v1", &host).await, data, "again");
        assert_eq!(attach(&lab.iscsi(), "v1", &host).await, data, "by another");
        assert_eq!(attach(&array, "v2", &host).await["target_lun"], 2);

        detach(&array, "v1", &host).await;
        assert_eq!(lab.mapped(), [format!("v2 {IQN} 2")]);
        detach(&array, "v1", &host).await;
        detach(&lab.iscsi(), "v2", &host).await;
        assert!(lab.mapped().is_empty());
        assert_eq!(lab.groups(), [IQN], "it stays for the next time");
    }
}

#[tokio::test]
async fn what_is_missing_fails_an_attach_and_ends_a_detach() {
    for lab in Lab::all().await {
        lab.volumes(&["v1"]).await;
        let array = lab.iscsi();
        let error = array
            .initialize_connection("v9", &iscsi_host())
            .await
            .unwrap_err();
        assert!(
            matches!(&error, BackendError::NotFound { name } if name == "v9"),
            "{error:?}"
        );
        let stranger = Connector {
            initiator: Some("iqn.unknown:1".into()),
            ..Connector::default()
        };
        detach(&array, "v1", &stranger).await;
        detach(&array, "v9", &iscsi_host()).await;
        detach(&array, "v1", &iscsi_host()).await;
        array.terminate_connection("v9", None).await.unwrap();
        array.terminate_connection("v1", None).await.unwrap();
    }
}

#[tokio::test]
async fn a_connector_must_have_what_the_protocol_needs() {
    let lab = Lab::start(XmsVersion::V42).await;
    let missing = |result| match result {
        Err(BackendError::InvalidConnector { missing }) => missing,
        other => panic!("{other:?}"),
    };
    let (iscsi, fc) = (lab.iscsi(), lab.fc());
    assert_eq!(missing(iscsi.check_connector(&fc_host())), "initiator");
    assert_eq!(missing(fc.check_connector(&iscsi_host())), "wwpns");
    iscsi.check_connector(&iscsi_host()).unwrap();
    fc.check_connector(&fc_host()).unwrap();
    let error = iscsi.initialize_connection("v", &fc_host()).await;
    assert!(matches!(error, Err(BackendError::InvalidConnector { .. })));
    assert_eq!(lab.xms.sim.stats().requests, 0);
}

#[tokio::test]
async fn an_initiator_stays_in_the_group_an_administrator_chose() {
    for lab in Lab::all().await {
        lab.volumes(&["v1"]).await;
        lab.group("esx, cluster 7", &[]).await;
        // Dialect v1 has no way to look an address up, hence the name there.
        let named = match lab.xms.sim.state()["version"] == "3.0" {
            true => IQN,
            false => "port a of node1",
        };
        let body = json!({"initiator-name": named, "port-address": IQN, "ig-id": "esx, cluster 7"});
        lab.make("initiators", body).await;
        let array = lab.iscsi();
        attach(&array, "v1", &iscsi_host()).await;
        assert_eq!(lab.mapped(), ["v1 esx, cluster 7 1"]);
        assert_eq!(lab.groups(), ["esx, cluster 7"]);
        // Moved to another group between attach and detach.
        detach(&array, "v1", &iscsi_host()).await;
        assert!(lab.mapped().is_empty());
    }
}

#[tokio::test]
async fn the_case_of_an_iqn_does_not_matter() {
    for version in [XmsVersion::V40, XmsVersion::V63] {
        let lab = Lab::start(version).await;
        lab.volumes(&["v1"]).await;
        lab.group("g", &[IQN]).await;
        let shouting = Connector {
            initiator: Some(IQN.replace("debian", "Debian")),
            ..Connector::default()
        };
        attach(&lab.iscsi(), "v1", &shouting).await;
        assert_eq!(lab.mapped(), ["v1 g 1"]);
    }
}

#[tokio::test]
async fn only_allowed_portals_are_told_and_ipv6_stands_in_brackets() {
    for version in RELEASES {
        let lab = Lab::with(SimOptions {
            portals: vec![
                PortalOptions::new("10.0.0.5/16", "iqn.x:a"),
                PortalOptions::new("fd00:1::6/64", "iqn.x:b"),
                PortalOptions::new("FD00:1::7/64", "iqn.x:c"),
            ],
            ..SimOptions::new(version)
        })
        .await;
        lab.volumes(&["v1"]).await;
        let ports = |ports: &[&str]| AttachOptions {
            ports: ports.iter().map(|p| (*p).to_owned()).collect(),
            ..AttachOptions::default()
        };
        let error = lab
            .array(ports(&["10.0.0.6"]))
            .initialize_connection("v1", &iscsi_host())
            .await
            .unwrap_err();
        assert!(matches!(error, BackendError::Config { .. }), "{error:?}");
        assert!(error.to_string().contains("xtremio_ports"), "{error}");
        assert!(lab.groups().is_empty(), "nothing was made before");

        let array = lab.array(ports(&["fd00:1:0::6", "[fd00:1::7]"]));
        let data = attach(&array, "v1", &iscsi_host()).await;
        assert_eq!(
            data["target_portals"],
            json!(["[fd00:1::6]:3260", "[FD00:1::7]:3260"])
        );
        assert_eq!(data["target_iqns"], json!(["iqn.x:b", "iqn.x:c"]));
        assert_eq!(data["target_luns"], json!([1, 1]));
    }
}

#[tokio::test]
async fn a_mapping_of_another_target_group_is_used_and_removed() {
    for version in RELEASES {
        for warm in [true, false] {
            let lab = Lab::with(SimOptions {
                target_groups: vec!["second".into()],
                ..SimOptions::new(version)
            })
            .await;
            lab.volumes(&["v1"]).await;
            lab.group("g", &[IQN]).await;
            let body = json!({"vol-id": "v1", "ig-id": "g", "tg-id": "second", "lun": 77});
            lab.make("lun-maps", body).await;
            let array = lab.iscsi();
            if warm {
                let data = attach(&array, "v1", &iscsi_host()).await;
                assert_eq!(data["target_lun"], 77);
            }
            detach(&array, "v1", &iscsi_host()).await;
            assert!(lab.mapped().is_empty(), "{version} {warm}");
        }
    }
}

#[tokio::test]
async fn a_remembered_mapping_that_was_replaced_is_found_again() {
    for version in RELEASES {
        let lab = Lab::start(version).await;
        lab.volumes(&["v1"]).await;
        let array = lab.iscsi();
        attach(&array, "v1", &iscsi_host()).await;
        // Another process deleted and made the volume again, and mapped it.
        lab.xms.delete("types/volumes?name=v1").await;
        lab.volumes(&["v1"]).await;
        lab.map("v1", IQN, 5).await;
        detach(&array, "v1", &iscsi_host()).await;
        assert!(lab.mapped().is_empty(), "{version}");
    }
}

#[tokio::test]
async fn a_detach_without_connector_takes_the_volume_from_every_host() {
    for lab in Lab::all().await {
        lab.volumes(&["v1", "v2"]).await;
        lab.group("a", &["iqn.x:1"]).await;
        lab.group("b", &["2100001b32817c5f"]).await;
        lab.map("v1", "a", 3).await;
        lab.map("v1", "b", 4).await;
        lab.map("v2", "b", 5).await;
        let array = lab.iscsi();
        array.terminate_connection("v1", None).await.unwrap();
        assert_eq!(lab.mapped(), ["v2 b 5"]);
    }
}
