//! `ops` beside a real worker: what runs, what waits, and processes that say nothing.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use cinder_volume_xtremio::config::Engine;
use cinder_volume_xtremio::sim::{Fault, FaultAction};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::bodies::Body;
use crate::support::lab::{Lab, LabBuilder};
use crate::support::worker::eventually;

const POOL: &str = "ctl1@xio#xio";

fn command(lab: &Lab, flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cinder-volume-xtremio"));
    command.env_clear().arg("ops").args(flags);
    command.arg("--config-file").arg(lab.conf_path());
    command
}

/// What `ops` prints and how it ends.
async fn ops(lab: &Lab, flags: &[&str]) -> Output {
    let mut command = command(lab, flags);
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The document of the only process.
async fn document(lab: &Lab) -> Value {
    let output = ops(lab, &["--json"]).await;
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Waits until an operation of this method looks as wanted.
async fn shown(lab: &Lab, method: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    eventually(&format!("{method} in ops"), async || {
        let document = document(lab).await;
        let operations = document["operations"].as_array().unwrap();
        operations
            .iter()
            .find(|operation| operation["method"] == method && wanted(operation))
            .cloned()
    })
    .await
}

fn running(lab: &Lab) -> PathBuf {
    lab.dir().join("cinder-volume-xtremio/running")
}

/// The files with this ending in the folder of what runs.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|e| e == ending))
        .collect()
}

#[tokio::test]
async fn what_runs_and_what_waits_for_it_are_shown_until_they_end() {
    let mut lab = LabBuilder::new(Engine::Sqlite).start().await;
    let id = lab.creating("xio", 1).await;
    let hang = Fault::on("POST", "volumes", FaultAction::Hang);
    lab.xms.sim.add_fault(hang);
    let create = Body::create(&id, POOL, 1);
    lab.cast("xio", &create).await;
    let seen = shown(&lab, "create_volume", |o| o["step"] == "array").await;
    assert_eq!(seen["resource"], format!("volume/{id}"));
    assert_eq!(seen["host"], "ctl1@xio");
    assert_eq!(seen["request_id"], create.0["_context_request_id"]);
    assert_eq!((&seen["starts"], &seen["retries"]), (&1.into(), &0.into()));
    assert!(seen["seconds"].as_f64().is_some(), "{seen}");
    assert_eq!(seen["copy"], Value::Null);

    lab.cast("xio", &Body::delete(&id, POOL)).await;
    let waits = format!("waits for lock {id}");
    shown(&lab, "delete_volume", |o| o["step"] == *waits).await;

    let output = ops(&lab, &[]).await;
    assert!(output.status.success(), "{output:?}");
    let table = text(&output.stdout);
    let lines: Vec<_> = table.lines().collect();
    assert!(lines[0].ends_with("(ctl1@xio): 2 under way"), "{table}");
    assert!(lines[1].starts_with("AGE"), "{table}");
    assert!(
        lines[2].contains("create_volume"),
        "the oldest first: {table}"
    );
    assert!(lines[3].contains("delete_volume"), "{table}");
    assert!(table.contains(&waits), "{table}");
    assert!(lines.iter().all(|l| l.chars().count() <= 120), "{table}");

    let sockets = files(&running(&lab), "sock");
    assert_eq!(sockets.len(), 1);
    let mode = std::fs::metadata(&sockets[0]).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    lab.xms.sim.clear_faults();
    lab.wait_row(&id, |row| row.deleted == Some(true)).await;
    eventually("nothing in ops", async || {
        let document = document(&lab).await;
        document["operations"]
            .as_array()
            .unwrap()
            .is_empty()
            .then_some(())
    })
    .await;
    let rest = ops(&lab, &[]).await;
    assert!(text(&rest.stdout).contains("nothing runs"), "{rest:?}");
    lab.worker().stop().await;
    assert_eq!(files(&running(&lab), "sock"), Vec::<PathBuf>::new());
    lab.finish_without_worker().await;
}

#[tokio::test]
async fn an_array_that_is_away_is_seen_by_the_retries() {
    let lab = LabBuilder::new(Engine::Sqlite).start().await;
    let id = lab.creating("xio", 1).await;
    let cut = Fault::on("POST", "volumes", FaultAction::ResetBefore);
    lab.xms.sim.add_fault(cut);
    lab.cast("xio", &Body::create(&id, POOL, 1)).await;
    let tried = |o: &Value| o["step"] == "array" && o["retries"].as_u64() >= Some(2);
    shown(&lab, "create_volume", tried).await;
    let table = text(&ops(&lab, &[]).await.stdout);
    assert!(table.contains("array, retry "), "{table}");
    lab.xms.sim.clear_faults();
    lab.wait_status(&id, "available").await;
    lab.delete("xio", &id).await;
    lab.wait_row(&id, |row| row.deleted == Some(true)).await;
    lab.finish().await;
}

#[tokio::test]
async fn what_is_dead_is_cleared_away_and_what_is_mute_is_named() {
    let mut lab = LabBuilder::new(Engine::Sqlite).start().await;
    lab.worker().signal(Signal::SIGSTOP);
    let mute = ops(&lab, &[]).await;
    lab.worker().signal(Signal::SIGCONT);
    assert_eq!(mute.status.code(), Some(1), "{mute:?}");
    let said = text(&mute.stderr);
    assert!(said.contains("(ctl1@xio): no answer within 2 s"), "{said}");

    lab.worker().kill().await;
    assert_eq!(files(&running(&lab), "sock").len(), 1, "nobody removed it");
    for flags in [&[][..], &["--json"]] {
        let nobody = ops(&lab, flags).await;
        assert!(nobody.status.success(), "{nobody:?}");
        assert_eq!(text(&nobody.stdout), "");
        assert!(
            text(&nobody.stderr).contains("nothing serves"),
            "{nobody:?}"
        );
    }
    let left = std::fs::read_dir(running(&lab)).unwrap().count();
    assert_eq!(left, 0, "what a dead process left");

    lab.start_worker().await;
    lab.worker().kill().await;
    lab.start_worker().await;
    assert_eq!(
        files(&running(&lab), "sock").len(),
        1,
        "a start clears, too"
    );
    document(&lab).await;
    lab.finish().await;
}

#[tokio::test]
async fn watching_goes_on_until_it_is_interrupted() {
    let lab = LabBuilder::new(Engine::Sqlite).start().await;
    let mut command = command(&lab, &["--watch"]);
    let mut watching = command.stdout(Stdio::piped()).spawn().unwrap();
    let out = BufReader::new(watching.stdout.take().unwrap());
    let status = tokio::task::spawn_blocking(move || {
        let looks = out.lines().take(3).map(Result::unwrap);
        for look in looks {
            assert!(look.ends_with("(ctl1@xio): nothing runs"), "{look}");
        }
        let pid = Pid::from_raw(i32::try_from(watching.id()).unwrap());
        kill(pid, Signal::SIGINT).unwrap();
        watching.wait().unwrap()
    })
    .await
    .unwrap();
    assert!(status.success(), "{status}");
    lab.finish().await;
}
