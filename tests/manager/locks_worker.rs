//! A worker beside a process of Cinder that locks the same volume.

use cinder_volume_xtremio::config::Engine;
use serde_json::json;
use tokio::time::sleep;

use super::locks::{Peer, WATCH};
use crate::support::lab::LabBuilder;

#[tokio::test]
async fn a_delete_waits_for_what_cinder_does_with_the_volume() {
    let lab = LabBuilder::new(Engine::Sqlite).start().await;
    // The default backend_url: files in state_path.
    let mut cinder = Peer::start(&lab.dir()).await;
    let (held, free) = (lab.created("xio", 1).await, lab.created("xio", 1).await);
    cinder.ask(json!(["enter", held])).await;
    lab.delete("xio", &held).await;
    lab.delete("xio", &free).await;
    lab.wait_status(&free, "deleted").await;
    // Nothing tells that a command waits: it is given the time that it does not take.
    sleep(WATCH).await;
    assert_eq!(lab.row(&held).await.status.as_deref(), Some("deleting"));
    assert!(lab.array().contains(&held));
    cinder.ask(json!(["leave", held])).await;
    lab.wait_status(&held, "deleted").await;
    assert!(!lab.array().contains(&held));
    lab.finish().await;
}

#[tokio::test]
async fn without_lock_files_no_worker_starts() {
    let mut lab = LabBuilder::new(Engine::Sqlite)
        .option("[coordination]\nbackend_url = file:///proc/self\n[DEFAULT]")
        .build()
        .await;
    let mut worker = lab.spawn(&[]);
    assert_eq!(worker.ended().await.code(), Some(1));
    let log = worker.log();
    let told = "[coordination] backend_url: no lock files in /proc/self: ";
    assert!(log.contains(told), "{log}");
    let good = lab.dir().join("made/at/start");
    lab.change_conf("/proc/self", good.to_str().unwrap());
    lab.start_worker().await;
    assert!(good.is_dir());
    lab.finish().await;
}
