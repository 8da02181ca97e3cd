//! `/metrics` of a real worker, as Prometheus reads it.

use std::collections::BTreeMap;

use cinder_volume_xtremio::config::Engine;
use cinder_volume_xtremio::sim::{Fault, FaultAction};
use serde_json::json;

use crate::support::bodies::{Body, captured};
use crate::support::lab::{Lab, LabBuilder};
use crate::support::worker::eventually;
use crate::support::xms::PASSWORD;

const POOL: &str = "ctl1@xio#xio";

/// Where the worker says its metrics are.
fn address(lab: &mut Lab) -> String {
    let log = lab.worker().log();
    let (_, rest) = log.split_once("metrics at ").expect("an address");
    rest.split_whitespace().next().unwrap().to_owned()
}

/// Names with labels, and values. Every line must be a comment or such a pair.
fn parse(page: &str) -> BTreeMap<String, f64> {
    assert!(page.ends_with("# EOF\n"), "{page}");
    let samples = page.lines().filter(|line| !line.starts_with('#'));
    let pairs = samples.map(|line| {
        let (name, value) = line.rsplit_once(' ').expect("a value");
        let name = name
            .strip_prefix("cinder_volume_xtremio_")
            .expect("our prefix");
        (name.to_owned(), value.parse().expect("a number"))
    });
    pairs.collect()
}

async fn page(lab: &Lab, url: &str) -> String {
    let answer = lab.xms.http.get(url).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    let content = answer.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        content.starts_with("application/openmetrics-text"),
        "{content}"
    );
    answer.text().await.unwrap()
}

/// Waits until the figures are as wanted, and returns them with the page.
async fn figures(lab: &Lab, url: &str, wanted: &[(&str, f64)]) -> BTreeMap<String, f64> {
    eventually(&format!("{wanted:?}"), async || {
        let found = parse(&page(lab, url).await);
        let fits = |(name, value): &(&str, f64)| found.get(*name) == Some(value);
        wanted.iter().all(fits).then_some(found)
    })
    .await
}

#[tokio::test]
async fn commands_are_counted_by_method_and_outcome() {
    let builder = LabBuilder::new(Engine::Sqlite).option("metrics_listen = 127.0.0.1:0");
    let mut lab = builder.start().await;
    lab.worker().says("metrics at ").await;
    let url = address(&mut lab);
    let id = lab.creating("xio", 1).await;
    let hang = Fault::on("POST", "volumes", FaultAction::Hang);
    lab.xms.sim.add_fault(hang);
    lab.cast("xio", &Body::create(&id, POOL, 1)).await;
    let running = [
        ("commands_started_total{method=\"create_volume\"}", 1.0),
        ("commands_running{method=\"create_volume\"}", 1.0),
        ("open_intents{host=\"ctl1@xio\"}", 1.0),
        ("copies_running{direction=\"image_to_volume\"}", 0.0),
        ("copied_bytes_total{direction=\"volume_to_image\"}", 0.0),
    ];
    let found = figures(&lab, &url, &running).await;
    let ended = found.keys().any(|name| name.starts_with("commands_ended"));
    assert!(!ended, "{found:?}");
    lab.xms.sim.clear_faults();
    lab.wait_status(&id, "available").await;
    lab.delete("xio", &id).await;
    lab.wait_row(&id, |row| row.deleted == Some(true)).await;
    lab.still_answers("xio").await;
    let listing = captured("to-volume-get_manageable_volumes");
    let args = listing["args"].as_object().unwrap().clone();
    lab.call("xio", "get_manageable_volumes", args).await;
    let ended = |method, outcome| {
        format!("commands_ended_total{{method=\"{method}\",outcome=\"{outcome}\"}}")
    };
    let (create, delete) = (ended("create_volume", "ok"), ended("delete_volume", "ok"));
    let asked = ended("get_capabilities", "ok");
    let refused = ended("get_manageable_volumes", "refused");
    let wanted = [
        (create.as_str(), 1.0),
        (&delete, 1.0),
        (&asked, 1.0),
        (&refused, 1.0),
        ("command_seconds_count{method=\"create_volume\"}", 1.0),
        ("open_intents{host=\"ctl1@xio\"}", 0.0),
    ];
    let found = figures(&lab, &url, &wanted).await;
    let running = found
        .keys()
        .any(|name| name.starts_with("commands_running"));
    assert!(!running, "{found:?}");
    assert!(found["command_seconds_sum{method=\"create_volume\"}"] > 0.0);

    let page = page(&lab, &url).await;
    for secret in [PASSWORD, "guest", &id, "req-"] {
        assert!(!page.contains(secret), "{secret} in {page}");
    }
    let elsewhere = url.replace("/metrics", "/");
    let answer = lab.xms.http.get(&elsewhere).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 404);
    let posted = lab.xms.http.post(&url).body(json!({}).to_string());
    assert_eq!(posted.send().await.unwrap().status().as_u16(), 405);
    lab.finish().await;
}

#[tokio::test]
async fn an_address_that_is_taken_keeps_nobody_from_serving() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let option = format!("metrics_listen = {address}");
    let mut lab = LabBuilder::new(Engine::Sqlite)
        .option(&option)
        .start()
        .await;
    lab.worker().says("metrics_listen cannot be used").await;
    lab.still_answers("xio").await;
    drop(taken);
    lab.worker().says("metrics at ").await;
    figures(&lab, &format!("http://{address}/metrics"), &[]).await;
    lab.finish().await;
}
