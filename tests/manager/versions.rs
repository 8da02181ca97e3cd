//! The same life of a volume on every release of the array, and on an XMS with two clusters.

use cinder_volume_xtremio::cli::call::Answer;
use cinder_volume_xtremio::config::Engine;
use cinder_volume_xtremio::sim::{SimOptions, XmsVersion};
use serde_json::Value;

use crate::support::lab::{FC, ISCSI, Lab, LabBuilder};

async fn life(lab: &Lab, backend: &str) {
    let volume = lab.created(backend, 1).await;
    let (attachment, reply) = lab.attach(backend, &volume, "vm1").await;
    assert_eq!(reply["target_lun"], 1, "{backend}");
    let body = lab.extending(backend, &volume, 2).await;
    lab.cast(backend, &body).await;
    let row = lab.wait_status(&volume, "in-use").await;
    assert_eq!(row.size, Some(2));
    let snapshot = lab.snapshotted(backend, &volume).await;
    let mut made = Vec::new();
    for (column, source) in [("snapshot_id", &snapshot), ("source_volid", &volume)] {
        let (copy, body) = lab.copying(backend, 3, column, source).await;
        lab.cast(backend, &body).await;
        lab.wait_status(&copy, "available").await;
        made.push(copy);
    }
    let ended = lab.delete_of(&volume, backend, &attachment);
    let answer = lab.call(backend, "attachment_delete", ended.args()).await;
    assert!(matches!(answer, Answer::Result(Value::Null)), "{answer:?}");
    lab.set(&volume, "status = 'available', attach_status = 'detached'")
        .await;
    lab.delete_snapshot(backend, &snapshot, &volume).await;
    lab.wait_snapshot(&snapshot, "deleted").await;
    // What is still mapped would not go.
    for id in made.iter().chain([&volume]) {
        lab.delete(backend, id).await;
        lab.wait_status(id, "deleted").await;
    }
    assert!(lab.array().is_empty(), "{:?}", lab.array());
}

async fn on(version: XmsVersion, clusters: &[&str]) {
    let names: Vec<String> = clusters.iter().map(|name| (*name).to_owned()).collect();
    let lab = LabBuilder::new(Engine::Sqlite)
        .backends(&[("xio", ISCSI), ("xfc", FC)])
        .array(|array| {
            *array = SimOptions::new(version);
            array.clusters = names;
        })
        .start()
        .await;
    for backend in ["xio", "xfc"] {
        life(&lab, backend).await;
    }
    lab.finish_as_it_is().await;
}

#[tokio::test]
async fn on_3_0() {
    on(XmsVersion::V30, &["xbrick1"]).await;
}

#[tokio::test]
async fn on_4_0() {
    on(XmsVersion::V40, &["xbrick1"]).await;
}

#[tokio::test]
async fn on_4_2() {
    on(XmsVersion::V42, &["xbrick1"]).await;
}

#[tokio::test]
async fn on_6_3() {
    on(XmsVersion::V63, &["xbrick1"]).await;
}

#[tokio::test]
async fn on_two_clusters() {
    on(XmsVersion::V42, &["another", "xbrick1"]).await;
}
