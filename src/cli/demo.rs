//! `demo`: the service at work on a simulated array, step by step, with what it left in the
//! rows and on the array. Anything that is not as expected ends it with an error.
//!
//! cinder-api and cinder-scheduler are played by `cloud`, from the same rooms that serve: it
//! writes the rows they would write and sends the messages they would send.

mod cloud;
mod show;
mod stage;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use self::cloud::{Cloud, Heard};
use self::stage::Stage;
use super::call::Answer;
use crate::db::Volume;

/// The backends of the demo, and the sizes of their volumes in GiB.
const BACKENDS: [(&str, i32); 2] = [("xtremio-iscsi", 1), ("xtremio-fc", 2)];
/// `host` of the demo's configuration.
const HOST: &str = "demo";
/// Longest wait for anything here.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs the demo, and clears away what it started however it ends.
pub async fn main() -> ExitCode {
    let began = Instant::now();
    let mut stage = Stage::new();
    let outcome = tokio::select! {
        outcome = play(&mut stage) => outcome,
        signal = ended_by_signal() => signal.and_then(|name| bail!("ended by {name}")),
    };
    if let Err(error) = &outcome {
        super::say(&format!("\nNOT AS EXPECTED: {error:#}"));
        for line in stage.last_log_lines(20) {
            super::say(&format!("    {line}"));
        }
    }
    stage.clear().await;
    let seconds = began.elapsed().as_secs_f64();
    match outcome {
        Ok(()) => {
            super::say(&format!("\nAll as expected, in {seconds:.1} s."));
            ExitCode::SUCCESS
        }
        Err(_) => ExitCode::FAILURE,
    }
}

async fn ended_by_signal() -> anyhow::Result<&'static str> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    Ok(tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    })
}

async fn play(stage: &mut Stage) -> anyhow::Result<()> {
    show::step("Start an array, listen as a scheduler does, start the service");
    stage.set().await?;
    let mut cloud = Cloud::open(stage).await?;
    stage.start_worker().await?;

    show::step("What the schedulers hear: a capability report of each backend");
    let mut pools = Vec::new();
    for (backend, _) in BACKENDS {
        let heard = stage.alive(cloud.hear(backend, |_| true)).await?;
        show::report(&heard);
        let (total, free) = (
            heard.number("total_capacity_gb"),
            heard.number("free_capacity_gb"),
        );
        ensure!(total > 0.0 && free > 0.0, "no capacity in {:?}", heard.pool);
        ensure!(
            heard.number("allocated_capacity_gb") == 0.0,
            "something is allocated already"
        );
        pools.push(heard.pool_host());
    }

    show::step("create_volume on both backends");
    let mut ids = Vec::new();
    for ((_, size), host) in BACKENDS.iter().zip(&pools) {
        ids.push(cloud.make_row(host, *size).await?);
    }
    show::note("rows as cinder-api and cinder-scheduler leave them, and the array, before:");
    show::rows(&cloud.rows(&ids).await?);
    show::array(stage.array()?);
    for id in &ids {
        cloud.cast_create(id).await?;
    }
    show::note("sent: a cast create_volume to each backend; after:");
    let mut rows = Vec::new();
    for id in &ids {
        let ended = |row: &Volume| row.status.as_deref() != Some("creating");
        rows.push(stage.alive(cloud.until(id, ended)).await?);
    }
    show::rows(&rows);
    show::array(stage.array()?);
    for (row, (_, size)) in rows.iter().zip(BACKENDS) {
        let id = &row.id;
        ensure!(
            row.status.as_deref() == Some("available"),
            "row of {id}: {:?}",
            row.status
        );
        ensure!(row.launched_at.is_some(), "row of {id} has no launched_at");
        let on_array = stage.volume_gib(id)?;
        ensure!(
            on_array == Some(size.unsigned_abs().into()),
            "array has {on_array:?} for {id}"
        );
    }
    for (backend, size) in BACKENDS {
        let allocated = f64::from(size);
        let grown = |heard: &Heard| heard.number("allocated_capacity_gb") == allocated;
        let heard = stage.alive(cloud.hear(backend, grown)).await?;
        show::note(&format!(
            "heard: {} now reports {allocated} GiB allocated",
            heard.host
        ));
    }

    show::step("get_capabilities, a call: the reply");
    let reply = capabilities(stage, &cloud).await?;
    show::json(&reply);

    show::step("Bad messages are refused, and the service goes on");
    let host = cloud.service_host(BACKENDS[0].0);
    cloud.send_bytes(&host, b"this is no JSON").await?;
    show::note("sent: a body that is no JSON; the service's log:");
    let line = stage
        .log_line("message cannot be read and is dropped")
        .await?;
    show::quote(&line);
    let answer = stage
        .alive(cloud.call(&host, "make_coffee", json!({})))
        .await?;
    let Answer::Failure(failure) = answer else {
        bail!("make_coffee was answered with {answer:?}");
    };
    show::note(
        "sent: a call of a method that does not exist; the failure as rebuilt from the reply:",
    );
    show::quote(&failure.to_string());
    ensure!(failure.class == "NoSuchMethod", "not NoSuchMethod");
    capabilities(stage, &cloud).await?;
    show::note("get_capabilities is still answered");

    refused_command(stage, &cloud, &ids[0]).await?;

    show::step("delete_volume on both backends");
    for id in &ids {
        cloud.cast_delete(id).await?;
    }
    show::note(
        "status is `deleting`, as cinder-api writes it; sent: a cast delete_volume to each; after:",
    );
    let mut rows = Vec::new();
    for id in &ids {
        let ended = |row: &Volume| row.status.as_deref() != Some("deleting");
        rows.push(stage.alive(cloud.until(id, ended)).await?);
    }
    show::rows(&rows);
    show::array(stage.array()?);
    for row in &rows {
        ensure!(
            row.deleted == Some(true),
            "row of {} is not deleted",
            row.id
        );
        ensure!(
            stage.volume_gib(&row.id)?.is_none(),
            "volume {} is on the array",
            row.id
        );
    }

    show::step("A clean stop, and what is left");
    stage.stop_worker().await?;
    let left = cloud.left(&ids).await?;
    let objects = stage.objects()?;
    show::note(&format!(
        "left: {} live volumes and {} worker rows in the database, {objects} objects on the array",
        left.volumes, left.workers
    ));
    ensure!(
        (left.volumes, left.workers, objects) == (0, 0, 0),
        "something is left"
    );
    cloud.close().await
}

async fn capabilities(stage: &Stage, cloud: &Cloud) -> anyhow::Result<Value> {
    let host = cloud.service_host(BACKENDS[0].0);
    let call = cloud.call(&host, "get_capabilities", json!({"discover": true}));
    let Answer::Result(reply) = stage.alive(call).await? else {
        bail!("get_capabilities failed");
    };
    let vendor = &reply["vendor_name"];
    ensure!(vendor == "Dell EMC", "the reply names vendor {vendor}");
    Ok(reply)
}

/// Attaching is not there yet: the call ends with a failure, and nothing has changed.
async fn refused_command(stage: &Stage, cloud: &Cloud, id: &str) -> anyhow::Result<()> {
    show::step("A command that this version cannot do: initialize_connection");
    let answer = stage.alive(cloud.call_attach(id)).await?;
    let Answer::Failure(failure) = answer else {
        bail!("initialize_connection was answered with a result");
    };
    show::note("the failure as rebuilt from the reply:");
    show::quote(&failure.to_string());
    ensure!(
        failure.is_cinder("VolumeDriverException"),
        "not VolumeDriverException"
    );
    let rows = cloud.rows(&[id.to_owned()]).await?;
    show::rows(&rows);
    let status = rows.first().and_then(|row| row.status.as_deref());
    ensure!(status == Some("available"), "the volume is {status:?}");
    Ok(())
}
