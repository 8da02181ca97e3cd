//! Groups, which the driver keeps as consistency groups of the array.

use serde_json::{Value, json};
use uuid::Uuid;

use super::lab::{Array, ISCSI, arrays, id, snapshot, volume};

fn group() -> Value {
    json!({"id": Uuid::new_v4().to_string(), "status": "available"})
}

fn members(array: &Array, group: &Value) -> Vec<String> {
    let held = array.object("consistency-groups", &group["id"]);
    let member = |m: &Value| m[1].as_str().unwrap().to_owned();
    let mut all: Vec<String> = held["vol-list"]
        .as_array()
        .unwrap()
        .iter()
        .map(member)
        .collect();
    all.sort();
    all
}

fn sorted(rows: [&Value; 2]) -> Vec<String> {
    let mut ids = rows.map(|row| id(row).to_owned()).to_vec();
    ids.sort();
    ids
}

#[tokio::test]
async fn groups_their_snapshots_and_copies() {
    let arrays = arrays(&[ISCSI]).await;
    for array in arrays.iter().filter(|array| array.has_v2()) {
        let source = group();
        array
            .tell(ISCSI, "create_group", json!([null, source]))
            .await;
        let (mut a, b) = (volume(1), array.create(1).await);
        a["group_id"] = source["id"].clone();
        array.tell(ISCSI, "create_volume", json!([a])).await;
        let add = json!([null, source, [b], null]);
        array.tell(ISCSI, "update_group", add).await;
        assert_eq!(members(array, &source), sorted([&a, &b]));

        // A volume from a snapshot is never added to its group.
        let mut late = volume(1);
        late["consistencygroup_id"] = source["id"].clone();
        let snap = snapshot(&a);
        array.tell(ISCSI, "create_snapshot", json!([snap])).await;
        let args = json!([late, snap]);
        array.tell(ISCSI, "create_volume_from_snapshot", args).await;
        assert_eq!(members(array, &source), sorted([&a, &b]));
        array.tell(ISCSI, "delete_snapshot", json!([snap])).await;

        let group_snapshot = json!({"id": Uuid::new_v4().to_string(), "group_id": source["id"]});
        let snapshots = json!([snapshot(&a), snapshot(&b)]);
        let args = json!([null, group_snapshot, snapshots]);
        array
            .tell(ISCSI, "create_group_snapshot", args.clone())
            .await;
        let set = format!("{}{}", id(&source), id(&group_snapshot)).replace('-', "");
        assert!(array.names("snapshot-sets").contains(&set));
        assert_eq!(array.object("snapshot-sets", &json!(set))["num-of-vols"], 2);

        let (copy, c, d) = (group(), volume(1), volume(2));
        let from = json!({"group_snapshot": group_snapshot, "snapshots": snapshots});
        let to = json!([null, copy, [c, d]]);
        array
            .tell_with(ISCSI, "create_group_from_src", to, from)
            .await;
        assert_eq!(members(array, &copy), sorted([&c, &d]));
        let grown = array.object("volumes", &d["id"]);
        assert_eq!(grown["vol-size"], (2 << 20).to_string());

        let (twin, e, f) = (group(), volume(1), volume(1));
        let from = json!({"source_group": source, "source_vols": [a, b]});
        let to = json!([null, twin, [e, f]]);
        array
            .tell_with(ISCSI, "create_group_from_src", to, from)
            .await;
        assert_eq!(members(array, &twin), sorted([&e, &f]));
        let parent = array.object("volumes", &f["id"])["ancestor-vol-id"].clone();
        assert_eq!(parent[1], b["id"]);

        let remove = json!([null, source, null, [b]]);
        array.tell(ISCSI, "update_group", remove).await;
        assert_eq!(members(array, &source), [id(&a)]);
        array
            .tell(ISCSI, "delete_group_snapshot", args.clone())
            .await;
        // A set that is gone is not taken for deleted.
        let again = array.raised(ISCSI, "delete_group_snapshot", args).await;
        assert_eq!(again, "NotFound");
        for (group, rows) in [(&copy, [&c, &d]), (&twin, [&e, &f]), (&source, [&a, &b])] {
            array
                .tell(ISCSI, "delete_group", json!([null, group, rows]))
                .await;
        }
        array.delete(&[&late]).await;
    }
}
