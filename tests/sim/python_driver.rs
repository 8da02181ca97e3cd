//! Cinder's own driver, from PyPI, is satisfied by the simulator.

use std::path::PathBuf;
use std::process::Stdio;

use cinder_volume_xtremio::sim::{SimOptions, XmsVersion};
use serde_json::{Value, json};

use crate::support::xms::{PASSWORD, TestXms, USER};

fn python() -> PathBuf {
    match std::env::var_os("CVX_PY_VENV") {
        Some(venv) => PathBuf::from(venv).join("bin/python"),
        None => panic!("CVX_PY_VENV names no virtual environment with cinder: run `make test`"),
    }
}

async fn run(options: SimOptions) {
    let label = format!("{} {:?}", options.xms_version, options.clusters);
    let cluster = match options.clusters.as_slice() {
        [_] => String::new(),
        several => several[1].clone(),
    };
    let xms = TestXms::start_with(options).await;
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("ca.pem");
    std::fs::write(&ca, &xms.sim.ca_pem).unwrap();
    let output = tokio::process::Command::new(python())
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/sim/python_driver.py"
        ))
        .args(["--xms", &format!("127.0.0.1:{}", xms.sim.port)])
        .args(["--admin", &xms.sim.admin_url])
        .args([
            "--user",
            USER,
            "--password",
            PASSWORD,
            "--cluster",
            &cluster,
        ])
        .arg("--ca")
        .arg(&ca)
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{label}:\n{out}\n{err}");
    assert!(
        out.trim_end().ends_with("all passed"),
        "{label}:\n{out}\n{err}"
    );
    for cluster in xms.sim.state()["clusters"].as_array().unwrap() {
        for (kind, left) in cluster.as_object().unwrap() {
            assert!(
                kind == "name" || *left == json!([]),
                "{label}: {kind} left: {left}"
            );
        }
    }
    let stats = xms.sim.stats();
    assert_eq!(stats.rejected_keys, Default::default(), "{label}");
    assert_eq!(stats.auth_failures, 0, "{label}");
    assert_eq!(stats.handshakes, stats.connections, "{label}");
    assert_eq!(
        stats.requests, stats.handshakes,
        "{label}: that driver connects for each call"
    );
    assert!(
        Value::from(stats.requests).as_u64() > Some(50),
        "{label}: {stats:?}"
    );
}

#[tokio::test]
async fn on_3_0() {
    run(SimOptions::new(XmsVersion::V30)).await;
}

#[tokio::test]
async fn on_4_0() {
    run(SimOptions::new(XmsVersion::V40)).await;
}

#[tokio::test]
async fn on_4_2() {
    run(SimOptions::new(XmsVersion::V42)).await;
}

#[tokio::test]
async fn on_6_3() {
    run(SimOptions::new(XmsVersion::V63)).await;
}

#[tokio::test]
async fn on_the_second_of_two_clusters() {
    run(SimOptions {
        clusters: vec!["east".into(), "west".into()],
        ..SimOptions::new(XmsVersion::V42)
    })
    .await;
}
