//! `demo`: the service at work on a simulated array, step by step, with what it left in the
//! rows and on the array. Anything that is not as expected ends it with an error.
//!
//! cinder-api and cinder-scheduler are played by `api` and `cloud`, from the same rooms that
//! serve: they write the rows and send the messages that those would.

mod api;
mod cloud;
mod copies;
mod hosts;
mod messages;
mod refusals;
mod show;
mod stage;
mod volumes;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tokio::signal::unix::{SignalKind, signal};

use self::cloud::Cloud;
use self::stage::Stage;

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

    let pools = volumes::reports(stage, &mut cloud).await?;
    let ids = volumes::create(stage, &mut cloud, &pools).await?;
    let attachments = hosts::attach(stage, &cloud, &ids).await?;
    copies::extend(stage, &cloud, &ids[0]).await?;
    let (snapshot, clone) = copies::copy(stage, &cloud, &ids[0], &pools[0]).await?;
    hosts::detach(stage, &cloud, &ids, &attachments).await?;
    refusals::bad_messages(stage, &cloud).await?;
    refusals::refused_command(stage, &cloud, &ids[1], &pools[0]).await?;
    copies::delete_snapshot(stage, &cloud, &snapshot).await?;
    let all = [ids, vec![clone]].concat();
    volumes::delete(stage, &cloud, &all).await?;

    show::step("A clean stop, and what is left");
    stage.stop_worker().await?;
    let left = cloud.left(&all).await?;
    let objects = stage.objects()?;
    show::note(&format!(
        "left: {} live volumes, {} live snapshots and {} worker rows in the database, \
         {objects} objects on the array",
        left.volumes, left.snapshots, left.workers
    ));
    ensure!(
        (left.volumes, left.snapshots, left.workers, objects) == (0, 0, 0, 0),
        "something is left"
    );
    cloud.close().await
}
