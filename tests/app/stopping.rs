//! SIGTERM and `kill -9` with commands under way: nothing is lost, nothing is made twice.

use std::collections::BTreeSet;
use std::time::Duration;

use cinder_volume_xtremio::config::Engine;
use cinder_volume_xtremio::sim::{Fault, FaultAction};

use crate::support::bodies::Body;
use crate::support::lab::{Lab, LabBuilder};
use crate::support::worker::eventually;

const COUNT: usize = 30;
const POOL: &str = "ctl1@xio#xio";

/// A slow array, few slots, and more creates than fit: some run, some wait, when it happens.
async fn under_load(slots: usize, latency: Duration) -> (Lab, Vec<String>) {
    let builder =
        LabBuilder::new(Engine::MySql).option(&format!("executor_thread_pool_size = {slots}"));
    let lab = builder.start().await;
    lab.xms.sim.set_latency(latency);
    let mut ids = Vec::new();
    let mut bodies = Vec::new();
    for _ in 0..COUNT {
        let id = lab.creating("xio", 1).await;
        bodies.push(Body::create(&id, POOL, 1));
        ids.push(id);
    }
    lab.casts("xio", &bodies).await;
    (lab, ids)
}

async fn in_status(lab: &Lab, status: &str) -> i64 {
    let rest = format!("FROM volumes WHERE status = '{status}'");
    lab.db.number("COUNT(*)", &rest).await
}

/// All are available, each once on the array; then all go.
async fn all_end_well(lab: Lab, ids: &[String]) {
    let available = "FROM volumes WHERE status = 'available' AND service_uuid IS NOT NULL";
    lab.wait_count(available, ids.len() as i64).await;
    let names = lab.array();
    assert_eq!(names.len(), ids.len());
    let made: BTreeSet<String> = names.into_iter().collect();
    assert_eq!(made, ids.iter().cloned().collect());
    lab.xms.sim.set_latency(Duration::ZERO);
    for id in ids {
        lab.delete("xio", id).await;
    }
    let left = "FROM volumes WHERE deleted = false";
    lab.wait_count(left, 0).await;
    assert_eq!(lab.usage().await, [(0, 0); 4]);
    lab.finish().await;
}

#[tokio::test]
async fn sigterm_finishes_what_runs_and_hands_back_the_rest() {
    let (mut lab, ids) = under_load(8, Duration::from_millis(200)).await;
    let some = "FROM volumes WHERE status = 'available'";
    eventually("the first volumes", async || {
        (lab.db.number("COUNT(*)", some).await >= 2).then_some(())
    })
    .await;
    lab.worker().stop().await;
    let done = in_status(&lab, "available").await;
    let waiting = in_status(&lab, "creating").await;
    assert_eq!(done + waiting, COUNT as i64, "no other state");
    assert!(waiting > 0, "all were done before the signal");
    assert_eq!(i64::from(lab.ready(&lab.queue("xio")).await), waiting);
    assert_eq!(lab.array().len() as i64, done);
    lab.start_worker().await;
    all_end_well(lab, &ids).await;
}

#[tokio::test]
async fn what_outlives_the_shutdown_timeout_is_handed_back() {
    let builder = LabBuilder::new(Engine::Sqlite).option("graceful_shutdown_timeout = 1");
    let mut lab = builder.start().await;
    let id = lab.creating("xio", 1).await;
    let hang = Fault::on("POST", "volumes", FaultAction::Hang);
    lab.xms.sim.add_fault(hang);
    lab.cast("xio", &Body::create(&id, POOL, 1)).await;
    let claimed = format!("FROM workers WHERE resource_id = '{id}' AND service_id IS NOT NULL");
    lab.wait_count(&claimed, 1).await;
    lab.worker().stop().await;
    let row = lab.row(&id).await;
    assert_eq!(row.status.as_deref(), Some("creating"));
    assert_eq!(lab.ready(&lab.queue("xio")).await, 1);
    lab.xms.sim.clear_faults();
    lab.start_worker().await;
    all_end_well(lab, &[id]).await;
}

#[tokio::test]
async fn kill_9_loses_and_doubles_nothing() {
    let (mut lab, ids) = under_load(16, Duration::from_millis(100)).await;
    for round in 1..=2 {
        let some = "FROM volumes WHERE status = 'available'";
        eventually("some volumes", async || {
            (lab.db.number("COUNT(*)", some).await >= round * 6).then_some(())
        })
        .await;
        lab.worker().kill().await;
        assert!(
            in_status(&lab, "creating").await > 0,
            "all were done before"
        );
        assert_eq!(in_status(&lab, "error").await, 0);
        lab.start_worker().await;
    }
    all_end_well(lab, &ids).await;
}
