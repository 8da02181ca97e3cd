//! Starting and stopping programs, so that none outlives who waits for it.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::mpsc;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// How long a killed program may take to go. One that waits for a dead disk in the kernel goes
/// only when the disk is taken away, which is not done before we give up on it.
const GOING: Duration = Duration::from_secs(5);

struct Job {
    command: Command,
    runtime: Handle,
    started: oneshot::Sender<io::Result<Child>>,
}

/// A command that dies with this process, whatever kills that: `setpriv` asks the kernel for it.
/// Its environment is all but empty, and it is in no one's process group but its own, so that a
/// signal to ours is ours to pass on.
pub(super) fn command(limits: &[String], program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]);
    if !limits.is_empty() {
        command.arg("prlimit").args(limits).arg("--");
    }
    command.arg(program).env_clear().env("LC_ALL", "C");
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    command
}

/// Starts it from a thread that lives as long as the process does. To the kernel the parent of a
/// program is the thread that started it, and the threads of the runtime may end sooner.
pub(super) async fn start(command: Command) -> io::Result<Child> {
    static STARTER: Mutex<Option<mpsc::Sender<Job>>> = Mutex::new(None);
    let (started, child) = oneshot::channel();
    let mut job = Job {
        command,
        runtime: Handle::current(),
        started,
    };
    {
        let mut starter = STARTER.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let jobs = match starter.take() {
                Some(jobs) => jobs,
                None => starter_thread()?,
            };
            match jobs.send(job) {
                Ok(()) => {
                    *starter = Some(jobs);
                    break;
                }
                // its thread has died
                Err(mpsc::SendError(back)) => job = back,
            }
        }
    }
    child.await.map_err(io::Error::other)?
}

fn starter_thread() -> io::Result<mpsc::Sender<Job>> {
    let (jobs, received) = mpsc::channel::<Job>();
    std::thread::Builder::new()
        .name("image-programs".to_owned())
        .spawn(move || {
            for mut job in received {
                let _inside = job.runtime.enter();
                // who no longer waits has dropped the other end, and the child is killed
                let _given_up = job.started.send(job.command.spawn());
            }
        })?;
    Ok(jobs)
}

/// Kills it and waits until it is gone, or as long as can be waited.
pub(super) async fn stop(child: &mut Child) {
    let killed = child.start_kill();
    if killed.is_err() || tokio::time::timeout(GOING, child.wait()).await.is_err() {
        tracing::warn!(pid = child.id(), "a killed converter is not gone yet");
    }
}

/// Exit code or signal, in words.
pub(super) fn described(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}
