//! The service row: its versions, and heartbeats that nothing holds up.

use cinder_volume_xtremio::config::Engine;
use cinder_volume_xtremio::sim::{Fault, FaultAction, FaultMatch};

use crate::support::bodies::Body;
use crate::support::lab::{Lab, LabBuilder};

const OURS: &str = "FROM services WHERE host = 'ctl1@xio'";

async fn service(lab: &Lab, host: &str, binary: &str, rpc: &str) {
    lab.db
        .execute(&format!(
            "INSERT INTO services (created_at, deleted, host, `binary`, topic, report_count, \
             disabled, rpc_current_version, object_current_version) VALUES ('2026-01-02 03:04:05', \
             false, '{host}', '{binary}', '{binary}', 7, false, '{rpc}', '1.39')"
        ))
        .await;
}

/// The version that a worker with these other rows and options writes.
async fn version(rows: &[(&str, &str, &str)], option: &str) -> String {
    let mut lab = LabBuilder::new(Engine::Sqlite).option(option).build().await;
    for (host, binary, rpc) in rows {
        service(&lab, host, binary, rpc).await;
    }
    lab.start_worker().await;
    let rpc = lab.db.text("rpc_current_version", OURS).await.unwrap();
    let object = lab.db.text("object_current_version", OURS).await;
    assert_eq!(object.as_deref(), Some("1.39"));
    lab.wait_count("FROM services WHERE host = 'ctl1@xio'", 1)
        .await;
    for (column, value) in [
        ("binary", "cinder-volume"),
        ("topic", "cinder-volume"),
        ("availability_zone", "nova"),
        ("replication_status", "disabled"),
    ] {
        let same = format!("{OURS} AND `{column}` = '{value}'");
        if column != "availability_zone" || rows.iter().all(|(host, ..)| *host != "ctl1@xio") {
            assert_eq!(lab.db.number("COUNT(*)", &same).await, 1, "{column}");
        }
    }
    lab.finish().await;
    rpc
}

#[tokio::test]
async fn versions_follow_the_release_in_use() {
    let scheduler = ("ctl1", "cinder-scheduler", "3.12");
    let older = ("ctl2@lvm", "cinder-volume", "3.18");
    let newer = ("ctl3@lvm", "cinder-volume", "3.20");
    let ours = ("ctl1@xio", "cinder-volume", "3.20");
    let cases: [(&[_], &str, &str); 4] = [
        (&[scheduler], "", "3.19"),
        (&[scheduler, newer, older], "", "3.18"),
        (&[older, ours], "", "3.20"),
        (&[older, ours], "cinder_release = 24", "3.19"),
    ];
    for (rows, option, expected) in cases {
        assert_eq!(version(rows, option).await, expected, "{rows:?} {option}");
    }
}

async fn beats(lab: &Lab, more: i64) {
    let before = lab.db.number("report_count", OURS).await;
    let grown = format!("{OURS} AND report_count >= {}", before + more);
    lab.wait_count(&grown, 1).await;
}

#[tokio::test]
async fn heartbeats_go_on_while_the_array_hangs_and_creates_pile_up() {
    let lab = LabBuilder::new(Engine::MySql).start().await;
    lab.xms.sim.add_fault(Fault {
        matching: FaultMatch::default(),
        action: FaultAction::Hang,
        times: None,
    });
    let mut bodies = Vec::new();
    for _ in 0..200 {
        let id = lab.creating("xio", 1).await;
        bodies.push(Body::create(&id, "ctl1@xio#xio", 1));
    }
    lab.casts("xio", &bodies).await;
    let claimed = "FROM workers WHERE service_id IS NOT NULL";
    // Slots of casts: an eighth of 64 is kept for calls.
    lab.wait_count(claimed, 56).await;
    let before = std::time::Instant::now();
    beats(&lab, 3).await;
    let took = before.elapsed().as_secs_f64();
    assert!(took < 5.0, "three beats of 1 s took {took} s");
    lab.still_answers("xio").await;
    lab.xms.sim.clear_faults();
    lab.wait_count("FROM volumes WHERE status = 'available'", 200)
        .await;
    assert_eq!(lab.array().len(), 200);
    lab.finish_with_array().await;
}
