//! Volumes, snapshots, copies, growth and management.

use serde_json::{Value, json};

use super::lab::{FC, ISCSI, arrays, id, snapshot, volume};

#[tokio::test]
async fn volumes_and_copies_on_every_release() {
    let arrays = arrays(&[ISCSI, FC]).await;
    for array in &arrays {
        for kind in [ISCSI, FC] {
            let mut a = array.create(2).await;
            let size = |row: &Value| array.object("volumes", &row["id"])["vol-size"].clone();
            assert_eq!(size(&a), (2 << 20).to_string());
            let again = array.raised(kind, "create_volume", json!([a])).await;
            assert_eq!(again, "VolumeBackendAPIException");
            array.tell(kind, "extend_volume", json!([a, 3])).await;
            assert_eq!(size(&a), (3 << 20).to_string());
            a["size"] = json!(3);
            let missing = json!([volume(1), 3]);
            let missing = array.raised(kind, "extend_volume", missing).await;
            assert_eq!(missing, "VolumeDriverException");

            let snap = snapshot(&a);
            array.tell(kind, "create_snapshot", json!([snap])).await;
            let held = array.object("volumes", &snap["id"]);
            assert_eq!(held["ancestor-vol-id"][1], a["id"]);
            if array.has_v2() {
                assert_eq!(held["snapshot-type"], "readonly");
            }
            let (grown, clone) = (volume(4), volume(5));
            let args = json!([grown, snap]);
            array.tell(kind, "create_volume_from_snapshot", args).await;
            let args = json!([clone, a]);
            array.tell(kind, "create_cloned_volume", args).await;
            assert_eq!(size(&grown), (4 << 20).to_string());
            assert_eq!(size(&clone), (5 << 20).to_string());
            let parent = &array.object("volumes", &grown["id"])["ancestor-vol-id"][1];
            assert_eq!(*parent, snap["id"]);
            let mut expected = [id(&a), id(&snap), id(&grown), id(&clone)];
            expected.sort_unstable();
            assert_eq!(array.names("volumes"), expected);

            let stats = array.tell(kind, "get_volume_stats", json!([true])).await;
            assert_eq!(stats["total_capacity_gb"], 10240.0);
            assert_eq!(stats["provisioned_capacity_gb"], f64::from(3 + 3 + 4 + 5));

            array.tell(kind, "delete_snapshot", json!([snap])).await;
            array.tell(kind, "delete_snapshot", json!([snap])).await;
            array.delete(&[&a, &a, &grown, &clone]).await;
        }
    }
}

#[tokio::test]
async fn the_driver_chooses_the_client_of_the_release() {
    let arrays = arrays(&[ISCSI, FC]).await;
    for array in &arrays {
        let wanted = match array.label {
            "3.0" => "XtremIOClient3",
            "4.0" => "XtremIOClient4",
            _ => "XtremIOClient42",
        };
        assert_eq!(array.client(ISCSI).await, wanted, "{}", array.label);
        assert_eq!(array.client(FC).await, wanted, "{}", array.label);
    }
}

#[tokio::test]
async fn managed_and_given_up_on_every_release() {
    let arrays = arrays(&[ISCSI]).await;
    for array in &arrays {
        let by_hand = json!({"vol-name": "by-hand", "vol-size": "1500m"});
        array.make("volumes", by_hand).await;
        let (row, named) = (volume(2), json!({"source-name": "by-hand"}));
        let args = json!([row, named]);
        let size = array.tell(ISCSI, "manage_existing_get_size", args.clone());
        assert_eq!(size.await, 2);
        array.tell(ISCSI, "manage_existing", args.clone()).await;
        assert_eq!(array.names("volumes"), [id(&row)]);
        let gone = array.raised(ISCSI, "manage_existing", args).await;
        assert_eq!(gone, "ManageExistingInvalidReference");
        let snap = snapshot(&row);
        array.tell(ISCSI, "create_snapshot", json!([snap])).await;
        let other = json!([snapshot(&volume(1)), {"source-name": snap["id"]}]);
        let other = array.raised(ISCSI, "manage_existing_snapshot", other).await;
        assert_eq!(other, "ManageExistingInvalidReference");
        array.tell(ISCSI, "unmanage_snapshot", json!([snap])).await;
        array.tell(ISCSI, "unmanage", json!([row])).await;
        let gone = array.raised(ISCSI, "unmanage", json!([row])).await;
        assert_eq!(gone, "VolumeNotFound");
        let mut left = Vec::new();
        for given_up in [&row, &snap] {
            let name = format!("{}-unmanged", given_up["name"].as_str().unwrap());
            left.push(json!({"id": name, "name_id": name}));
        }
        array.delete(&[&left[0], &left[1]]).await;
    }
}
