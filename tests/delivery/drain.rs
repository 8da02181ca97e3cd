//! `drain`: the service ends when nothing that was begun is left open.

use std::time::Duration;

use tokio::process::Command;

use super::calls::expired_after;
use super::case::{Case, POOL, lab};
use crate::support::bodies::Body;
use crate::support::lab::Lab;

async fn drain(lab: &Lab) -> (bool, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_cinder-volume-xtremio"))
        .arg("drain")
        .arg("--config-file")
        .arg(lab.conf_path())
        .env_clear()
        .output()
        .await
        .expect("drain runs");
    let said = [done.stdout, done.stderr].concat();
    (
        done.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[tokio::test]
async fn what_runs_ends_without_a_limit_and_what_waits_goes_back() {
    let mut lab = lab().await;
    let few = "report_interval = 1\nexecutor_thread_pool_size = 2\ngraceful_shutdown_timeout = 1";
    lab.change_conf("report_interval = 1", few);
    lab.start_worker().await;
    // Longer than the limit of a stop.
    lab.xms.sim.set_latency(Duration::from_secs(3));
    let mut ids = Vec::new();
    let mut bodies = Vec::new();
    for _ in 0..6 {
        let id = lab.creating("xio", 1).await;
        bodies.push(Body::create(&id, POOL, 1));
        ids.push(id);
    }
    lab.casts("xio", &bodies).await;
    lab.wait_some("FROM workers WHERE service_id IS NOT NULL")
        .await;
    let (drained, said) = drain(&lab).await;
    assert!(drained, "{said}");
    assert!(
        said.contains("ctl1@xio") && said.contains("drained"),
        "{said}"
    );
    assert!(lab.worker().ended().await.success());
    let done = lab
        .db
        .number("COUNT(*)", "FROM volumes WHERE status = 'available'")
        .await;
    assert!(done > 0, "what ran has ended");
    assert_eq!(i64::from(lab.ready(&lab.queue("xio")).await), 6 - done);
    let begun = "FROM workers WHERE service_id IS NOT NULL";
    assert_eq!(
        lab.db.number("COUNT(*)", begun).await,
        0,
        "nothing is left half done"
    );
    let (drained, said) = drain(&lab).await;
    assert!(drained && said.contains("nothing serves"), "{said}");
    lab.xms.sim.set_latency(Duration::ZERO);
    lab.start_worker().await;
    for id in &ids {
        lab.wait_status(id, "available").await;
    }
    lab.finish_with_array().await;
}

#[tokio::test]
async fn what_a_dead_process_has_begun_is_ended_first() {
    let (mut lab, given) = expired_after(Case::Create, "create_volume.on_array").await;
    let (drained, said) = drain(&lab).await;
    assert!(!drained, "its command is open, and nothing serves: {said}");
    assert!(said.contains("create_volume of volume/"), "{said}");
    lab.start_worker().await;
    let (drained, said) = drain(&lab).await;
    assert!(drained, "{said}");
    assert_eq!(
        lab.row(&given.id).await.status.as_deref(),
        Some("available")
    );
    assert!(lab.worker().ended().await.success());
    lab.finish_as_it_is().await;
}
