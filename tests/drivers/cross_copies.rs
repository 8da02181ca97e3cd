//! Snapshots, copies and growth begun by one side and gone on with by the other.

use cinder_volume_xtremio::backend::NewVolume;
use cinder_volume_xtremio::sim::{Fault, FaultAction};
use serde_json::{Value, json};

use super::lab::{Array, ISCSI, arrays, id, snapshot, volume};

fn new(row: &Value, size_gib: u64) -> NewVolume {
    NewVolume {
        name: id(row).to_owned(),
        size_gib,
        group: None,
        source_size_gib: None,
    }
}

/// What can be seen of a copy from outside, its source by name.
fn seen(array: &Array, row: &Value) -> Value {
    let held = array.object("volumes", &row["id"]);
    json!([
        held["ancestor-vol-id"][1],
        held["vol-size"],
        held["snapshot-type"]
    ])
}

#[tokio::test]
async fn each_goes_on_with_what_the_other_made() {
    let arrays = arrays(&[ISCSI]).await;
    for array in &arrays {
        let label = array.label;
        let ours = array.ours(ISCSI);
        ours.setup().await.unwrap();
        let call = |call, args| array.tell(ISCSI, call, args);
        // One volume each, grown by the other.
        let (theirs_a, mut ours_b) = (array.create(1).await, volume(1));
        ours.create_volume(&new(&ours_b, 1)).await.unwrap();
        ours.extend_volume(id(&theirs_a), 2).await.unwrap();
        call("extend_volume", json!([ours_b, 2])).await;
        ours_b["size"] = json!(2);
        let grown = Some(2);
        for row in [&theirs_a, &ours_b] {
            assert_eq!(ours.volume_size(id(row)).await.unwrap(), grown, "{label}");
        }

        // Each a snapshot of the other's, which look alike.
        let (of_a, of_b) = (snapshot(&theirs_a), snapshot(&ours_b));
        ours.create_snapshot(id(&of_a), id(&theirs_a))
            .await
            .unwrap();
        call("create_snapshot", json!([of_b])).await;
        let type_of = |row| seen(array, row)[2].clone();
        assert_eq!(type_of(&of_a), type_of(&of_b), "{label}");

        // Volumes from the other's snapshot, and clones of the other's volume.
        let [from_a, from_b, like_a, like_b] = [3, 3, 4, 4].map(volume);
        call("create_volume_from_snapshot", json!([from_a, of_a])).await;
        let copy = ours.create_volume_from(&new(&from_b, 3), id(&of_b)).await;
        copy.unwrap();
        let copy = ours
            .create_volume_from(&new(&like_a, 4), id(&theirs_a))
            .await;
        copy.unwrap();
        call("create_cloned_volume", json!([like_b, ours_b])).await;
        let rows = [(&from_a, &of_a, 3), (&from_b, &of_b, 3)];
        let clones = [(&like_a, &theirs_a, 4), (&like_b, &ours_b, 4)];
        let writable = type_of(&like_a);
        for (row, source, size) in rows.into_iter().chain(clones) {
            let size = (size << 20).to_string();
            let alike = json!([source["id"], size, type_of(&from_a)]);
            assert_eq!(seen(array, row), alike, "{label}");
        }
        assert_eq!(array.has_v2(), type_of(&of_a) != writable, "{label}");

        // Each deletes what the other made.
        ours.delete_snapshot(id(&of_b), id(&ours_b)).await.unwrap();
        call("delete_snapshot", json!([of_a])).await;
        for row in [&from_a, &like_b] {
            ours.delete_volume(id(row)).await.unwrap();
        }
        ours.delete_volume(id(&theirs_a)).await.unwrap();
        array.delete(&[&from_b, &like_a, &ours_b]).await;
    }
}

#[tokio::test]
async fn ours_deletes_what_a_broken_snapshot_of_the_driver_left() {
    let arrays = arrays(&[ISCSI]).await;
    for array in arrays.iter().filter(|array| array.has_v2()) {
        let ours = array.ours(ISCSI);
        ours.setup().await.unwrap();
        let row = array.create(1).await;
        let snap = snapshot(&row);
        let sim = &array.xms.sim;
        sim.add_fault(Fault::on("PUT", "snapshots", FaultAction::ResetBefore).times(1));
        let args = json!([snap]);
        let error = array.raised(ISCSI, "create_snapshot", args.clone()).await;
        assert_eq!(error, "VolumeDriverException", "{}", array.label);
        let interim = format!("{}.{}", id(&row), id(&snap));
        assert!(array.names("volumes").contains(&interim));
        // To the driver it is deleted; it stays, and so does its set.
        array.tell(ISCSI, "delete_snapshot", args).await;
        assert!(array.names("volumes").contains(&interim));
        ours.delete_snapshot(id(&snap), id(&row)).await.unwrap();
        assert_eq!(array.names("volumes"), [id(&row)], "{}", array.label);
        array.delete(&[&row]).await;
    }
}
