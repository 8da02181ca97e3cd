//! What Cinder's driver costs an array: as many calls as were measured elsewhere.

use serde_json::{Value, json};

use super::lab::{Array, FC, ISCSI, Kind, arrays, snapshot, volume};

/// The calls of one operation, each on a connection of its own.
async fn cost(array: &Array, kind: Kind, call: &str, args: Value) -> u64 {
    array.xms.sim.reset_stats();
    array.tell(kind, call, args).await;
    let stats = array.xms.sim.stats();
    assert_eq!(stats.handshakes, stats.requests, "{} {call}", array.label);
    stats.requests
}

#[tokio::test]
async fn calls_of_every_operation() {
    let arrays = arrays(&[ISCSI, FC]).await;
    for array in &arrays {
        let v1 = !array.has_v2();
        let by = |old: u64, new: u64| if v1 { old } else { new };
        let label = array.label;
        let (a, b) = (volume(1), volume(1));
        assert_eq!(cost(array, ISCSI, "create_volume", json!([a])).await, 1);
        assert_eq!(cost(array, ISCSI, "extend_volume", json!([a, 2])).await, 1);
        // Each driver asks once for the name of the first cluster, unless one is configured:
        // FC now, iSCSI at its first attach.
        let stats = cost(array, FC, "get_volume_stats", json!([true])).await;
        assert_eq!(stats, if v1 || label == "two" { 1 } else { 2 }, "{label}");
        let stats = cost(array, FC, "get_volume_stats", json!([true])).await;
        assert_eq!(stats, 1, "{label}");
        let mut of = a.clone();
        of["size"] = json!(2);
        let snap = snapshot(&of);
        let calls = cost(array, ISCSI, "create_snapshot", json!([snap])).await;
        assert_eq!(calls, by(1, 2), "{label}");
        for (size, more) in [(2, 0), (3, 1)] {
            let (clone, from) = (volume(size), volume(size));
            let calls = cost(array, ISCSI, "create_cloned_volume", json!([clone, of])).await;
            assert_eq!(calls, by(2, 3) + more, "{label}");
            let args = json!([from, snap]);
            let calls = cost(array, ISCSI, "create_volume_from_snapshot", args).await;
            assert_eq!(calls, by(1, 2) + more, "{label}");
            for row in [clone, from] {
                assert_eq!(cost(array, ISCSI, "delete_volume", json!([row])).await, 1);
            }
        }
        let calls = cost(array, ISCSI, "delete_snapshot", json!([snap])).await;
        assert_eq!(calls, 1, "{label}");
        array.tell(ISCSI, "create_volume", json!([b])).await;
        attaching(array, &a, &b).await;
        array.delete(&[&a, &b]).await;
    }
}

/// The older dialect reads the mappings one by one, and every portal or port once.
async fn attaching(array: &Array, a: &Value, b: &Value) {
    let v1 = !array.has_v2();
    let by = |old: u64, new: u64| if v1 { old } else { new };
    let label = array.label;
    let host = json!({"host": "node1", "initiator": "iqn.1993-08.org.debian:01:abc"});
    let (on, off) = ("initialize_connection", "terminate_connection");
    let args = |row: &Value| json!([row, host]);
    let calls = cost(array, ISCSI, on, args(a)).await;
    let named = u64::from(label == "two");
    assert_eq!(calls, by(11, 10) - named, "{label}: new host");
    let calls = cost(array, ISCSI, on, args(b)).await;
    assert_eq!(calls, by(5, 6), "{label}: known host");
    // Two mappings: the second is found.
    let calls = cost(array, ISCSI, on, args(b)).await;
    assert_eq!(calls, by(5 + 2, 6), "{label}: again");
    let calls = cost(array, ISCSI, off, args(b)).await;
    assert_eq!(calls, 3, "{label}: detach");
    array.tell(ISCSI, off, args(a)).await;

    let host = json!({"host": "node1", "wwpns": ["2100001b32817c5f", "2100001b32817c60"]});
    let args = |row: &Value| json!([row, host]);
    // The older dialect reads all five ports, those of iSCSI too, one by one.
    let calls = cost(array, FC, on, args(a)).await;
    assert_eq!(calls, by(10 + 5, 10), "{label}: FC, new host");
    let calls = cost(array, FC, on, args(b)).await;
    assert_eq!(calls, 4, "{label}: FC, known host");
    let calls = cost(array, FC, off, args(b)).await;
    let filters = if array.has_or_filters() { 4 } else { 5 };
    assert_eq!(calls, by(5 + 1, filters), "{label}: FC detach");
    array.tell(FC, off, args(a)).await;
}
