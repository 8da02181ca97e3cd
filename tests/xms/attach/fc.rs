//! Fibre Channel: what the host is told, and what is left on the array.

use cinder_volume_xtremio::backend::{AttachOptions, Backend, BackendError};
use cinder_volume_xtremio::sim::XmsVersion;
use serde_json::json;

use super::*;

const COLONS: [&str; 2] = ["21:00:00:1b:32:81:7c:5f", "21:00:00:1b:32:81:7c:60"];

#[tokio::test]
async fn a_new_host_attaches_again_and_detaches_on_every_release() {
    for lab in Lab::all().await {
        lab.volumes(&["v1", "v2"]).await;
        let array = lab.fc();
        let host = fc_host();
        let connection = array.initialize_connection("v1", &host).await.unwrap();
        assert_eq!(connection.driver_volume_type, "fibre_channel");
        let data = Value::Object(connection.data);
        // The port that is down and the iSCSI ports are left out.
        let targets = json!(["21000024ff57b236", "21000024ff57b255"]);
        assert_eq!(
            data,
            json!({
                "target_discovered": false,
                "target_lun": 1,
                "target_wwn": targets,
                "initiator_target_map": {WWPNS[0]: targets, WWPNS[1]: targets},
            })
        );
        assert_eq!(lab.mapped(), ["v1 node1 1"]);
        assert_eq!(
            lab.initiators(),
            COLONS.map(|wwpn| format!("{wwpn} node1")),
            "one group for all"
        );
        assert_eq!(attach(&array, "v1", &host).await, data, "again");
        assert_eq!(attach(&lab.fc(), "v1", &host).await, data, "by another");
        assert_eq!(attach(&array, "v2", &host).await["target_lun"], 2);
        detach(&array, "v1", &host).await;
        detach(&array, "v1", &host).await;
        detach(&lab.fc(), "v2", &host).await;
        assert!(lab.mapped().is_empty());
        detach(&array, "v9", &host).await;
    }
}

#[tokio::test]
async fn new_ports_join_the_group_where_the_others_are() {
    for lab in Lab::all().await {
        lab.volumes(&["v1"]).await;
        lab.group("made by hand", &[COLONS[1]]).await;
        let array = lab.fc();
        attach(&array, "v1", &fc_host()).await;
        assert_eq!(lab.mapped(), ["v1 made by hand 1"]);
        assert_eq!(lab.groups(), ["made by hand"]);
        assert_eq!(
            lab.initiators(),
            COLONS.map(|wwpn| format!("{wwpn} made by hand"))
        );
    }
}

#[tokio::test]
async fn the_case_of_a_wwpn_does_not_matter() {
    for version in [XmsVersion::V40, XmsVersion::V42, XmsVersion::V63] {
        let lab = Lab::start(version).await;
        lab.volumes(&["v1"]).await;
        let upper = COLONS.map(str::to_ascii_uppercase);
        lab.group("g", &[&upper[0], &upper[1]]).await;
        let array = lab.fc();
        attach(&array, "v1", &fc_host()).await;
        assert_eq!(lab.mapped(), ["v1 g 1"]);
        assert_eq!(lab.initiators().len(), 2);
        detach(&array, "v1", &fc_host()).await;
        assert!(lab.mapped().is_empty());
    }
}

#[tokio::test]
async fn only_allowed_ports_are_told() {
    let lab = Lab::start(XmsVersion::V63).await;
    lab.volumes(&["v1"]).await;
    let fc = |port: &str| {
        lab.array(AttachOptions {
            protocol: Protocol::FibreChannel,
            ports: vec![port.to_owned()],
            ..AttachOptions::default()
        })
    };
    for port in ["21:00:00:24:FF:57:B2:55", "21000024ff57b255"] {
        let data = attach(&fc(port), "v1", &fc_host()).await;
        assert_eq!(data["target_wwn"], json!(["21000024ff57b255"]));
    }
    // One that is down is as good as none.
    let error = fc("21:00:00:24:ff:57:b2:77")
        .initialize_connection("v1", &fc_host())
        .await
        .unwrap_err();
    assert!(matches!(error, BackendError::Config { .. }), "{error:?}");
    assert!(error.to_string().contains("xtremio_ports"), "{error}");
}

#[tokio::test]
async fn a_new_host_without_a_name_is_refused_and_a_known_one_is_not() {
    let lab = Lab::start(XmsVersion::V42).await;
    lab.volumes(&["v1"]).await;
    let array = lab.fc();
    let mut nameless = fc_host();
    nameless.host = None;
    let error = array.initialize_connection("v1", &nameless).await;
    assert!(matches!(
        error,
        Err(BackendError::InvalidConnector { missing: "host" })
    ));
    lab.group("g", &COLONS).await;
    attach(&array, "v1", &nameless).await;
    assert_eq!(lab.mapped(), ["v1 g 1"]);
}
