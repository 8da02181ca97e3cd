//! `ops`: what runs in the processes that serve here.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::future::join_all;

use super::args::OpsArgs;
use super::{complain, drain, serve};
use crate::app::{AskError, ProcessView, Running, RunningDir, ask, state_folder};
use crate::config::Config;

mod table;

/// Between two looks of `--watch`.
const LOOK: Duration = Duration::from_secs(1);
/// Clears a terminal, and goes to its first line.
const CLEAR: &str = "\x1b[2J\x1b[H";

/// What one process said.
type Answer = (Running, Result<ProcessView, AskError>);

/// Runs the subcommand; status 64 on faults of the configuration.
pub async fn run(args: OpsArgs) -> ExitCode {
    let config = match serve::load(&args.config) {
        Ok(loaded) => loaded.config,
        Err(status) => return status,
    };
    let shown = async {
        loop {
            let all_answered = show(&config, &args).await?;
            if !args.watch {
                return Ok(all_answered);
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    let shown: Result<bool> = tokio::select! {
        shown = shown => shown,
        // The usual end of --watch.
        interrupted = tokio::signal::ctrl_c() => interrupted.map(|()| true).map_err(Into::into),
    };
    match shown {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // `ops --watch | head`: whoever read has seen enough.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("ops: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// One look; false when a process did not answer.
async fn show(config: &Config, args: &OpsArgs) -> Result<bool> {
    let dir = RunningDir::new(&state_folder(config));
    let serving = drain::concerned(&dir, config)?;
    let mut answers: Vec<Answer> = join_all(serving.into_iter().map(async |running| {
        let answer = ask(&dir, &running).await;
        (running, answer)
    }))
    .await;
    if answers.iter().any(|(_, answer)| answer.is_err()) {
        // One that has ended since is not one that does not answer.
        let serving = drain::concerned(&dir, config)?;
        answers.retain(|(running, answer)| answer.is_ok() || serving.contains(running));
    }
    let mut page = String::new();
    for (_, answer) in &answers {
        if let (true, Ok(view)) = (args.json, answer) {
            page += &serde_json::to_string(view)?;
            page.push('\n');
        }
    }
    if answers.is_empty() {
        complain("nothing serves these hosts here");
    }
    let mut all_answered = true;
    for (running, answer) in &answers {
        if let Err(error) = answer {
            all_answered = false;
            complain(&format!(
                "process {} ({}): {error}",
                running.pid,
                running.hosts.join(", ")
            ));
        }
    }
    if !args.json {
        let views: Vec<_> = answers
            .iter()
            .filter_map(|(_, a)| a.as_ref().ok())
            .collect();
        page = table::of(&views);
    }
    let mut out = std::io::stdout();
    if args.watch && !args.json && out.is_terminal() {
        page.insert_str(0, CLEAR);
    }
    out.write_all(page.as_bytes())
        .and_then(|()| out.flush())
        .context("standard output")?;
    Ok(all_answered)
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
