//! `drain`: ends the service on this machine when nothing that was begun is left open.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::args::DrainArgs;
use super::{complain, say, serve};
use crate::app::{Running, RunningDir, journal_file, state_folder};
use crate::config::Config;
use crate::journal::Journal;

/// Between two looks at a process: its end gives no event to those who are not its parent.
const LOOK: Duration = Duration::from_millis(200);

/// Runs the subcommand; status 64 on faults of the configuration.
pub async fn run(args: DrainArgs) -> ExitCode {
    let config = match serve::load(&args.config) {
        Ok(loaded) => loaded.config,
        Err(status) => return status,
    };
    match drain(&config, args.timeout).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("drain: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn drain(config: &Config, timeout: u64) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(timeout);
    let dir = RunningDir::new(&state_folder(config));
    let serving = concerned(&dir, config)?;
    if serving.is_empty() {
        say("nothing serves these hosts here");
    }
    for running in &serving {
        dir.mark(running)
            .context("the state folder cannot be written")?;
        let pid = Pid::from_raw(i32::try_from(running.pid)?);
        kill(pid, Signal::SIGTERM).with_context(|| format!("process {pid}"))?;
        say(&format!(
            "process {pid} drains: {}",
            running.hosts.join(", ")
        ));
    }
    while let Some(running) = concerned(&dir, config)?.first() {
        if Instant::now() > deadline {
            bail!(
                "process {} still finishes what it has begun after {} s",
                running.pid,
                timeout
            );
        }
        tokio::time::sleep(LOOK).await;
    }
    open_intents(config).await?;
    say("drained: nothing that was begun is left open");
    Ok(())
}

/// The processes that serve a host of this configuration.
pub(super) fn concerned(dir: &RunningDir, config: &Config) -> Result<Vec<Running>> {
    let mut found = dir.list().context("the state folder cannot be read")?;
    found.retain(|running| {
        let hosts = &running.hosts;
        config
            .backends
            .iter()
            .any(|backend| hosts.contains(&backend.host))
    });
    Ok(found)
}

/// What a killed process left is for the next one: drained only if there is none.
async fn open_intents(config: &Config) -> Result<()> {
    let path = journal_file(config);
    if !path.exists() {
        return Ok(());
    }
    let journal = Journal::open(&path)?;
    for backend in &config.backends {
        let open = journal.intents(&backend.host).await?;
        if let Some(first) = open.first() {
            bail!(
                "{} commands on {} have begun and not ended, the first is {} of {}: start the service, and drain it",
                open.len(),
                backend.host,
                first.method,
                first.resource.as_deref().unwrap_or("the host"),
            );
        }
    }
    Ok(())
}
