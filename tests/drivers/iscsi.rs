//! iSCSI attach and detach by Cinder's driver.

use cinder_volume_xtremio::sim::ChapMode;
use serde_json::{Value, json};

use super::lab::{Array, ISCSI, Kind, arrays, id};

const IQN: &str = "iqn.1993-08.org.debian:01:abc";
const CLEAN: Kind = (
    "clean",
    "XtremIOISCSIDriver",
    &[("xtremio_clean_unused_ig", "true")],
);
const PORTS: Kind = (
    "ports",
    "XtremIOISCSIDriver",
    &[("xtremio_ports", "10.205.68.6")],
);

fn host() -> Value {
    json!({"host": "node1", "initiator": IQN})
}

async fn attach(array: &Array, kind: Kind, row: &Value) -> Value {
    let call = array.tell(kind, "initialize_connection", json!([row, host()]));
    let connection = call.await;
    assert_eq!(connection["driver_volume_type"], "iscsi");
    connection["data"].clone()
}

async fn detach(array: &Array, kind: Kind, row: &Value) {
    let args = json!([row, host()]);
    array.tell(kind, "terminate_connection", args).await;
}

#[tokio::test]
async fn attached_again_and_detached_on_every_release() {
    let arrays = arrays(&[ISCSI, CLEAN, PORTS]).await;
    for array in &arrays {
        let (a, b) = (array.create(1).await, array.create(1).await);
        let first = attach(array, ISCSI, &a).await;
        let portals = ["10.205.68.5:3260", "10.205.68.6:3260"];
        assert_eq!(first["target_portals"], json!(portals));
        assert_eq!(first["target_luns"], json!([1, 1]));
        assert!(portals.contains(&first["target_portal"].as_str().unwrap()));
        assert!(first.get("auth_method").is_none());
        assert_eq!(array.names("initiator-groups"), [IQN]);
        assert_eq!(array.object("initiators", &json!(IQN))["port-address"], IQN);
        assert_eq!(attach(array, ISCSI, &b).await["target_lun"], 2);
        assert_eq!(attach(array, ISCSI, &a).await["target_lun"], 1);
        let some = attach(array, PORTS, &a).await;
        assert_eq!(some["target_portals"], json!(["10.205.68.6:3260"]));
        let mut mapped = [format!("{} {IQN} 1", id(&a)), format!("{} {IQN} 2", id(&b))];
        mapped.sort();
        assert_eq!(array.mapped(), mapped);

        detach(array, ISCSI, &a).await;
        detach(array, ISCSI, &a).await;
        assert_eq!(array.mapped(), [format!("{} {IQN} 2", id(&b))]);
        let stranger = json!([b, {"host": "node9", "initiator": "iqn.unknown:9"}]);
        let answer = array.ask(ISCSI, "terminate_connection", stranger).await;
        match array.has_or_filters() {
            true => assert_eq!(answer, json!({"result": null})),
            false => assert_eq!(answer["error"], "TypeError", "{}", array.label),
        }
        array
            .tell(ISCSI, "terminate_connection", json!([b, null]))
            .await;
        assert!(array.mapped().is_empty());
        assert_eq!(array.names("initiator-groups"), [IQN]);

        // The group goes with its last volume only where that is asked for.
        for row in [&a, &b] {
            attach(array, CLEAN, row).await;
        }
        detach(array, CLEAN, &b).await;
        assert_eq!(array.names("initiator-groups"), [IQN]);
        detach(array, CLEAN, &a).await;
        assert!(array.names("initiator-groups").is_empty());
        assert!(array.names("initiators").is_empty());
        array.delete(&[&a, &b]).await;
    }
}

#[tokio::test]
async fn chap_from_the_first_attach_and_turned_on_later() {
    use ChapMode::{Disabled, Initiator};
    let arrays = arrays(&[ISCSI, CLEAN]).await;
    for array in &arrays {
        let row = array.create(1).await;
        let held = || array.object("initiators", &json!(IQN));
        array.xms.sim.set_chap(Initiator, Initiator);
        let both = attach(array, CLEAN, &row).await;
        assert_eq!(both["auth_method"], "CHAP");
        assert_eq!(both["auth_username"], "chap_user");
        let (login, discovery) = (
            held()["chap-authentication-initiator-password"].clone(),
            held()["chap-discovery-initiator-password"].clone(),
        );
        assert_eq!(both["auth_password"], login);
        assert_eq!(both["discovery_auth_password"], discovery);
        assert_eq!(login.as_str().unwrap().len(), 12);
        assert_eq!(attach(array, CLEAN, &row).await["auth_password"], login);
        detach(array, CLEAN, &row).await;

        array.xms.sim.set_chap(Disabled, Disabled);
        assert!(
            attach(array, ISCSI, &row)
                .await
                .get("auth_method")
                .is_none()
        );
        array.xms.sim.set_chap(Initiator, Disabled);
        let later = attach(array, ISCSI, &row).await;
        let login = held()["chap-authentication-initiator-password"].clone();
        assert_eq!(later["auth_password"], login);
        assert!(login.is_string() && later.get("discovery_auth_method").is_none());
        // A secret for discovery is made only beside one for login: the host gets none.
        array.xms.sim.set_chap(Initiator, Initiator);
        let last = attach(array, ISCSI, &row).await;
        assert_eq!(last["auth_password"], login);
        assert_eq!(last["discovery_auth_method"], "CHAP");
        assert_eq!(last["discovery_auth_password"], Value::Null);
        array.xms.sim.set_chap(Disabled, Disabled);
        detach(array, CLEAN, &row).await;
        array.delete(&[&row]).await;
    }
}
