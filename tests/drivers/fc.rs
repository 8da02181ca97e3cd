//! FC attach and detach by Cinder's driver.

use serde_json::{Value, json};

use super::lab::{Array, FC, ISCSI, Kind, arrays, id};

const WWPNS: [&str; 2] = ["2100001b32817c5f", "2100001b32817c60"];
const PORTS: [&str; 2] = ["21:00:00:1b:32:81:7c:5f", "21:00:00:1b:32:81:7c:60"];
const UP: [&str; 2] = ["21000024ff57b236", "21000024ff57b255"];
const CLEAN: Kind = (
    "clean",
    "XtremIOFCDriver",
    &[("xtremio_clean_unused_ig", "true")],
);
const ONE: Kind = (
    "one",
    "XtremIOFCDriver",
    &[("xtremio_ports", "21:00:00:24:FF:57:B2:55")],
);

fn host() -> Value {
    json!({"host": "node1", "wwpns": WWPNS})
}

async fn attach(array: &Array, kind: Kind, row: &Value) -> Value {
    let call = array.tell(kind, "initialize_connection", json!([row, host()]));
    let connection = call.await;
    assert_eq!(connection["driver_volume_type"], "fibre_channel");
    connection["data"].clone()
}

async fn detach(array: &Array, kind: Kind, row: &Value) -> Value {
    let args = json!([row, host()]);
    array.tell(kind, "terminate_connection", args).await["data"].clone()
}

#[tokio::test]
async fn attached_again_and_detached_on_every_release() {
    let arrays = arrays(&[ISCSI, FC, CLEAN, ONE]).await;
    for array in &arrays {
        let (a, b) = (array.create(1).await, array.create(1).await);
        let first = attach(array, FC, &a).await;
        let map = json!({WWPNS[0]: UP, WWPNS[1]: UP});
        assert_eq!(
            first,
            json!({"target_discovered": false, "target_lun": 1, "target_wwn": UP,
                   "initiator_target_map": map})
        );
        assert_eq!(array.names("initiator-groups"), ["node1"]);
        assert_eq!(array.names("initiators"), PORTS);
        assert_eq!(attach(array, FC, &b).await["target_lun"], 2);
        assert_eq!(attach(array, FC, &a).await["target_lun"], 1);
        let one = attach(array, ONE, &a).await;
        assert_eq!(one["target_wwn"], json!([UP[1]]));
        let mut mapped = [format!("{} node1 1", id(&a)), format!("{} node1 2", id(&b))];
        mapped.sort();
        assert_eq!(array.mapped(), mapped);

        let stranger = json!([b, {"host": "node9", "wwpns": ["2100001b32810000"]}]);
        let answer = array.ask(FC, "terminate_connection", stranger).await;
        match array.has_or_filters() {
            true => assert_eq!(answer["result"]["driver_volume_type"], "fibre_channel"),
            false => assert_eq!(answer["error"], "TypeError", "{}", array.label),
        }
        // Zones go with the last volume of the host.
        assert_eq!(detach(array, FC, &a).await, json!({}));
        let last = detach(array, FC, &b).await;
        assert_eq!(last, json!({"target_wwn": UP, "initiator_target_map": map}));
        assert!(array.mapped().is_empty());
        assert_eq!(array.names("initiator-groups"), ["node1"]);
        attach(array, FC, &a).await;
        let forced = array.tell(FC, "terminate_connection", json!([a, null]));
        assert_eq!(forced.await["data"], json!({}));
        attach(array, CLEAN, &a).await;
        detach(array, CLEAN, &a).await;
        assert!(array.names("initiator-groups").is_empty());
        array.delete(&[&a, &b]).await;
    }
}

#[tokio::test]
async fn ports_of_a_host_in_several_groups() {
    let arrays = arrays(&[ISCSI, FC, CLEAN]).await;
    for array in &arrays {
        let (a, other) = (array.create(1).await, array.create(1).await);
        for (group, port) in [("by hand 1", PORTS[0]), ("by hand 2", PORTS[1])] {
            array
                .make("initiator-groups", json!({"ig-name": group}))
                .await;
            let body = json!({"initiator-name": port, "port-address": port, "ig-id": group});
            array.make("initiators", body).await;
        }
        let taken = json!({"vol-id": other["id"], "ig-id": "by hand 2", "lun": 1});
        array.make("lun-maps", taken).await;
        let args = json!([a, host()]);
        if !array.has_v2() {
            // Its search for a free LUN asks for whole objects, which v1 does not know.
            let error = array.raised(FC, "initialize_connection", args).await;
            assert_eq!(error, "KeyError");
        } else {
            assert_eq!(attach(array, FC, &a).await["target_lun"], 2);
            let group = |n| format!("{} by hand {n} 2", id(&a));
            let mapped = array.mapped();
            assert!(mapped.contains(&group(1)) && mapped.contains(&group(2)));
            assert_eq!(mapped.len(), 3);
            // It looks for mappings of a group named after the host, which there is not.
            assert_ne!(detach(array, CLEAN, &a).await, json!({}));
            assert_eq!(array.names("initiator-groups"), ["by hand 2"]);
        }
        assert_eq!(array.mapped(), [format!("{} by hand 2 1", id(&other))]);
        array
            .tell(FC, "terminate_connection", json!([other, null]))
            .await;
        array.delete(&[&a, &other]).await;
    }
}
