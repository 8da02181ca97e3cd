//! An array that cannot be reached when the worker starts.

use cinder_volume_xtremio::cli::call::Answer;
use cinder_volume_xtremio::config::Engine;
use cinder_volume_xtremio::sim::{Fault, FaultAction, FaultMatch};
use serde_json::{Map, Value};

use crate::support::bodies::Body;
use crate::support::lab::LabBuilder;

#[tokio::test]
async fn commands_fail_while_the_array_was_never_reached_and_it_heals_by_itself() {
    let mut lab = LabBuilder::new(Engine::Sqlite).build().await;
    lab.xms.sim.add_fault(Fault {
        matching: FaultMatch::default(),
        action: FaultAction::ResetBefore,
        times: None,
    });
    let mut worker = lab.spawn(&[]);
    worker.says("the array is not usable; trying again").await;
    worker.says(" serving").await;
    assert!(!worker.log().contains("driver initialised"));
    lab.worker = Some(worker);

    // No heartbeats: the scheduler must not send work here.
    let beats = "FROM services WHERE host = 'ctl1@xio' AND report_count > 0";
    assert_eq!(lab.db.number("COUNT(*)", beats).await, 0);
    let id = lab.creating("xio", 1).await;
    let create = Body::create(&id, "ctl1@xio#xio", 1).without_retry();
    lab.cast("xio", &create).await;
    lab.wait_status(&id, "error").await;
    lab.worker().says("DriverNotInitialized").await;
    assert_eq!(lab.messages(&id).await, ["VOLUME_VOLUME_008_002"]);
    lab.delete("xio", &id).await;
    lab.wait_status(&id, "error_deleting").await;
    let transfer = Body::of("accept_transfer").arg("volume_id", id.clone().into());
    match lab.call("xio", "accept_transfer", transfer.args()).await {
        Answer::Failure(failure) => assert!(failure.is_cinder("DriverNotInitialized"), "{failure}"),
        other => panic!("{other:?}"),
    }
    let mut args = Map::new();
    args.insert("discover".into(), Value::Bool(false));
    match lab.call("xio", "get_capabilities", args).await {
        Answer::Result(report) => assert_eq!(report, Value::Object(Map::new())),
        other => panic!("{other:?}"),
    }

    lab.xms.sim.clear_faults();
    lab.worker().says("driver initialised").await;
    lab.wait_count(beats, 1).await;
    let made = lab.created("xio", 1).await;
    for id in [&id, &made] {
        lab.delete("xio", id).await;
        lab.wait_status(id, "deleted").await;
    }
    assert_eq!(lab.usage().await, [(0, 0); 4]);
    lab.finish().await;
}
