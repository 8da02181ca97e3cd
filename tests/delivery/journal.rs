//! What the journal keeps from starting: a full disk, and commands that never end.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use cinder_volume_xtremio::kill::VARIABLE;
use tokio::process::Command;

use super::case::{Case, lab};
use crate::support::worker::eventually;

#[tokio::test]
async fn a_command_that_always_kills_the_process_is_ended_visibly() {
    let mut lab = lab().await;
    lab.start_worker().await;
    let given = Case::Create.prepare(&lab).await;
    lab.worker().stop().await;
    given.send(&lab, 1).await;
    for _ in 0..3 {
        let mut doomed = lab.spawn_with(&[(VARIABLE, "worker.claimed")]);
        doomed.killed().await;
    }
    lab.start_worker().await;
    lab.wait_status(&given.id, "error").await;
    given.ended(&lab).await;
    assert_eq!(lab.messages(&given.id).await, ["VOLUME_VOLUME_008_001"]);
    lab.still_answers("xio").await;
    lab.delete("xio", &given.id).await;
    lab.wait_status(&given.id, "deleted").await;
    lab.finish().await;
}

/// A small file system of the worker's own, filled by a file beside the journal.
#[tokio::test]
async fn a_full_disk_keeps_commands_waiting_and_stops_the_heartbeats() {
    let mut lab = lab().await;
    let disk = lab.dir().join("cinder-volume-xtremio");
    std::fs::create_dir(&disk).expect("a folder");
    let mounted = Mounted::tmpfs(&disk, "2m").await;
    lab.start_worker().await;
    let first = Case::Create.prepare(&lab).await;
    first.send(&lab, 1).await;
    first.ended(&lab).await;

    let ballast = disk.join("ballast");
    fill(&ballast);
    let waiting = Case::Create.prepare(&lab).await;
    waiting.send(&lab, 1).await;
    lab.worker().says("the journal cannot be written").await;
    let beats = async || {
        let rest = "FROM services WHERE `binary` = 'cinder-volume'";
        lab.db.number("MAX(report_count)", rest).await
    };
    let before = std::cell::Cell::new(beats().await);
    eventually("the heartbeats to stop", async || {
        // What does not come can only be waited for: three heartbeats long.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let now = beats().await;
        (before.replace(now) == now).then_some(())
    })
    .await;
    let row = lab.row(&waiting.id).await;
    assert_eq!(row.status.as_deref(), Some("creating"));
    assert_eq!(lab.array(), [first.id.as_str()], "nothing was started");
    lab.still_answers("xio").await;

    std::fs::remove_file(&ballast).expect("room again");
    lab.wait_status(&waiting.id, "available").await;
    waiting.ended(&lab).await;
    eventually("heartbeats again", async || {
        (beats().await > before.get()).then_some(())
    })
    .await;
    lab.finish_as_it_is().await;
    drop(mounted);
}

fn fill(path: &Path) {
    let mut file = std::fs::File::create(path).expect("ballast");
    let block = [b'x'; 4096];
    // Until there is no room for one byte more.
    while file.write_all(&block).is_ok() {}
    while file.write_all(b"x").is_ok() {}
}

/// A file system that is unmounted with the test.
struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    async fn tmpfs(at: &'a Path, size: &str) -> Self {
        let options = format!("size={size}");
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(at)
            .status()
            .await;
        assert!(
            done.expect("mount").success(),
            "mounting needs root: run `make test` as root"
        );
        Self(at)
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .arg("--lazy")
            .arg(self.0)
            .status();
    }
}
