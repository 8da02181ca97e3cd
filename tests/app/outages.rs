//! Broker, database or array away, at the start or in the middle of commands.

use std::time::Duration;

use cinder_volume_xtremio::cli::call::Answer;
use cinder_volume_xtremio::config::Engine;
use cinder_volume_xtremio::sim::{Fault, FaultAction, FaultMatch};
use serde_json::{Map, Value};

use crate::support::bodies::Body;
use crate::support::lab::{Lab, LabBuilder};
use crate::support::relay::Relay;

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

/// A line that can be cut.
#[derive(Clone, Copy)]
enum Line {
    Broker,
    Database,
    Array,
}

async fn relayed(line: Line) -> (Lab, Relay) {
    let quick = "[oslo_messaging_rabbit]\nrabbit_retry_interval = 1\n[DEFAULT]";
    let lab = LabBuilder::new(Engine::MySql).option(quick).build().await;
    let port = match line {
        Line::Broker => lab.broker.port(),
        Line::Database => lab.db.port(),
        Line::Array => lab.xms.sim.port,
    };
    let relay = Relay::to(([127, 0, 0, 1], port).into()).await;
    let (from, to) = (format!(":{port}"), format!(":{}", relay.addr().port()));
    lab.change_conf(&from, &to);
    (lab, relay)
}

/// Creates are under way when the line is cut; `notices` is what the worker then says.
async fn survives_a_cut(line: Line, notices: &str) {
    const COUNT: usize = 24;
    let (mut lab, relay) = relayed(line).await;
    lab.start_worker().await;
    lab.xms.sim.set_latency(Duration::from_millis(150));
    let (mut ids, mut bodies) = (Vec::new(), Vec::new());
    for _ in 0..COUNT {
        let id = lab.creating("xio", 1).await;
        bodies.push(Body::create(&id, "ctl1@xio#xio", 1));
        ids.push(id);
    }
    lab.casts("xio", &bodies).await;
    let claimed = "FROM workers WHERE service_id IS NOT NULL";
    lab.wait_some(claimed).await;
    relay.cut();
    lab.worker().says(notices).await;
    relay.restore();
    let available = "FROM volumes WHERE status = 'available'";
    lab.wait_count(available, COUNT as i64).await;
    let mut made = lab.array();
    made.sort();
    ids.sort();
    assert_eq!(made, ids);

    // Deletes meet connections that have just been reset.
    relay.cut();
    relay.restore();
    lab.xms.sim.set_latency(Duration::ZERO);
    for id in &ids {
        lab.delete("xio", id).await;
    }
    lab.wait_count("FROM volumes WHERE deleted = false", 0)
        .await;
    assert_eq!(lab.usage().await, [(0, 0); 4]);
    lab.finish().await;
}

#[tokio::test]
async fn commands_outlive_a_cut_broker_connection() {
    survives_a_cut(Line::Broker, "receiving from RabbitMQ broke").await;
}

#[tokio::test]
async fn commands_outlive_a_cut_database() {
    survives_a_cut(Line::Database, "waiting for the database to come back").await;
}

#[tokio::test]
async fn commands_outlive_a_cut_array() {
    survives_a_cut(Line::Array, "waiting for the array to come back").await;
}
