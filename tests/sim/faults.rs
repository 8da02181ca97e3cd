//! Faults do what they say, and no more.

use std::error::Error;
use std::io::ErrorKind;
use std::time::Duration;

use cinder_volume_xtremio::sim::{Fault, FaultAction, XmsVersion};
use serde_json::{Value, json};

use crate::support::xms::TestXms;

fn volume(name: &str) -> Option<Value> {
    Some(json!({"vol-name": name, "vol-size": "1g"}))
}

/// The kind of the I/O error at the bottom.
fn io_kind(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    let here = error.downcast_ref::<std::io::Error>().map(|io| io.kind());
    error.source().and_then(io_kind).or(here)
}

async fn names(xms: &TestXms) -> Vec<String> {
    let state = xms.sim.state();
    let volumes = state["clusters"][0]["volumes"].as_array().unwrap();
    volumes
        .iter()
        .map(|v| v["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn some_faults_apply_the_command_and_some_do_not() {
    let xms = TestXms::start(XmsVersion::V40).await;
    let path = "v2/types/volumes";
    let once = |action| Fault::on("POST", "volumes", action).times(1);

    xms.sim.add_fault(once(FaultAction::Busy));
    let busy = xms.send("POST", path, volume("busy")).await.unwrap();
    assert_eq!(
        (busy.status, &busy.body["message"]),
        (400, &json!("system_is_busy"))
    );
    xms.sim.add_fault(once(FaultAction::Status(503)));
    let proxy = xms.send("POST", path, volume("proxy")).await.unwrap();
    assert_eq!(proxy.status, 503);
    assert!(proxy.body.is_string(), "not JSON: {}", proxy.body);
    xms.sim.add_fault(once(FaultAction::ResetBefore));
    let cut = xms.send("POST", path, volume("before")).await.unwrap_err();
    assert_eq!(io_kind(&cut), Some(ErrorKind::ConnectionReset), "{cut:?}");
    assert!(names(&xms).await.is_empty());

    xms.sim.add_fault(once(FaultAction::ResetAfter));
    xms.send("POST", path, volume("after")).await.unwrap_err();
    xms.sim.add_fault(once(FaultAction::Truncate));
    xms.send("POST", path, volume("truncated"))
        .await
        .unwrap_err();
    assert_eq!(names(&xms).await, ["after", "truncated"]);
    assert_eq!(xms.sim.stats().faults, 5);
    xms.send("POST", path, volume("fine")).await.unwrap();
}

#[tokio::test]
async fn hanging_requests_go_on_when_faults_are_cleared() {
    let xms = TestXms::start(XmsVersion::V40).await;
    let fault = json!([{"match": {"method": "POST", "name": "v"}, "action": "hang"}]);
    assert_eq!(xms.admin("POST", "/faults", fault).await.status, 200);
    let hanging = xms.send("POST", "v2/types/volumes", volume("v"));
    tokio::pin!(hanging);
    let early = tokio::time::timeout(Duration::from_millis(200), &mut hanging).await;
    assert!(early.is_err(), "{early:?}");
    assert!(names(&xms).await.is_empty());
    xms.send("POST", "v2/types/volumes", volume("other"))
        .await
        .unwrap();
    assert_eq!(xms.admin("DELETE", "/faults", json!({})).await.status, 200);
    assert_eq!(hanging.await.unwrap().status, 201);
}

#[tokio::test]
async fn the_admin_interface_checks_what_it_is_told() {
    let xms = TestXms::start(XmsVersion::V40).await;
    for (path, body) in [
        ("/faults", json!([{"action": "explode"}])),
        ("/faults", json!([{"action": "busy", "time": 1}])),
        ("/latency", json!({"ms": "many"})),
        ("/chap", json!({"login": "yes", "discovery": "disabled"})),
    ] {
        assert_eq!(
            xms.admin("POST", path, body.clone()).await.status,
            400,
            "{path} {body}"
        );
    }
    assert_eq!(xms.admin("GET", "/elsewhere", json!({})).await.status, 404);
    assert_eq!(
        xms.admin("POST", "/write?name=none", json!({"kb": 1}))
            .await
            .status,
        404
    );

    xms.send("POST", "v2/types/volumes", volume("v"))
        .await
        .unwrap();
    xms.sim.set_latency(Duration::from_millis(50));
    let begin = std::time::Instant::now();
    xms.get("v2/types/volumes").await;
    assert!(begin.elapsed() >= Duration::from_millis(50));
    xms.admin("POST", "/reset", json!({})).await;
    assert!(names(&xms).await.is_empty());
    assert_eq!(xms.sim.stats().requests, 0);
}
