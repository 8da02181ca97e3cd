//! The `simulate-xms` command with disks, as a process.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

struct Simulator {
    child: Child,
    tgtd: u32,
    portals: Value,
}

async fn simulator(folder: &std::path::Path) -> Simulator {
    let mut child = Command::new(env!("CARGO_BIN_EXE_cinder-volume-xtremio"))
        .args([
            "simulate-xms",
            "--portal",
            "127.0.0.1:0,127.0.0.3:0,[::1]:0",
            "--ca-out",
        ])
        .arg(folder.join("ca.pem"))
        .arg("--luns")
        .arg(folder.join("luns"))
        .env("XMS_PASSWORD", "secret")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = lines
        .next_line()
        .await
        .unwrap()
        .expect("it says that it is ready");
    let ready: Value = serde_json::from_str(&ready).unwrap();
    let url = format!("{}/luns", ready["admin"].as_str().unwrap());
    let http =
        crate::support::xms::client(&std::fs::read_to_string(folder.join("ca.pem")).unwrap());
    let luns: Value = {
        let text = http.get(url).send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap()
    };
    Simulator {
        child,
        tgtd: luns["tgtd"].as_u64().unwrap().try_into().unwrap(),
        portals: luns["portals"].clone(),
    }
}

/// Whether a process runs and is tgtd; one that waits for its parent's look is over.
fn is_tgtd(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.contains("(tgtd)") && !stat.contains(") Z ")
}

#[tokio::test]
async fn no_tgtd_stays_behind_however_the_simulator_ends() {
    let folder = tempfile::tempdir().unwrap();
    for signal in [nix::sys::signal::SIGTERM, nix::sys::signal::SIGKILL] {
        let mut simulator = simulator(folder.path()).await;
        let addresses: Vec<_> = simulator.portals.as_array().unwrap().iter().collect();
        let at = |at: usize| addresses[at]["address"].as_str().unwrap();
        assert!(at(1).starts_with("127.0.0.3:") && at(2).starts_with("[::1]:"));
        assert!(!at(0).ends_with(":0"));
        assert!(is_tgtd(simulator.tgtd));
        let pid = simulator.child.id().unwrap();
        let pid = nix::unistd::Pid::from_raw(pid.try_into().unwrap());
        nix::sys::signal::kill(pid, signal).unwrap();
        simulator.child.wait().await.unwrap();
        let end = Instant::now() + Duration::from_secs(20);
        while is_tgtd(simulator.tgtd) {
            assert!(Instant::now() < end, "tgtd is left after {signal}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
