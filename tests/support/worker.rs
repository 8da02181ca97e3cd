//! The worker as a process of its own: started, watched through its log, ended by signals.

use std::fs::File;
use std::future::Future;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

/// How long anything may take that a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);
/// Between two looks at what gives no event: rows, log files.
const LOOK: Duration = Duration::from_millis(25);

/// Looks until there is an answer, at most [`PATIENCE`].
pub(crate) async fn eventually<T, F>(what: &str, mut look: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(LOOK).await;
    }
}

/// A running worker; killed when dropped, and its log shown if the test fails.
#[derive(Debug)]
pub(crate) struct Worker {
    child: Child,
    log: PathBuf,
}

impl Worker {
    /// Starts the program with these arguments; what it prints goes to the file `log`.
    pub(crate) fn start(arguments: &[String], log: &Path) -> Self {
        Self::start_with(arguments, &[], log)
    }

    /// The same with these environment variables.
    pub(crate) fn start_with(arguments: &[String], env: &[(&str, &str)], log: &Path) -> Self {
        let file = File::create(log).expect("log file");
        let child = Command::new(env!("CARGO_BIN_EXE_cinder-volume-xtremio"))
            .args(arguments)
            .env_clear()
            .env("RUST_BACKTRACE", "1")
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("log file"))
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .expect("the worker starts");
        Self {
            child,
            log: log.to_owned(),
        }
    }

    /// All it has printed so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits for a line that holds this text.
    pub(crate) async fn says(&mut self, text: &str) {
        self.says_times(text, 1).await;
    }

    /// Waits until so many lines hold this text.
    pub(crate) async fn says_times(&mut self, text: &str, times: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.log().matches(text).count() < times {
            if let Some(status) = self.child.try_wait().expect("wait") {
                // what it wrote last is in the file now
                let said = self.log().matches(text).count() >= times;
                assert!(said, "ended with {status} before it said {text:?}");
                return;
            }
            assert!(Instant::now() < deadline, "never said {text:?}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = self.child.id().expect("still running");
        let pid = Pid::from_raw(i32::try_from(pid).expect("a pid"));
        kill(pid, signal).expect("signal");
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().expect("wait").is_none()
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.expect("the worker does not end").expect("wait")
    }

    /// Asks it to stop, and expects it to do so with status 0.
    pub(crate) async fn stop(&mut self) {
        self.signal(Signal::SIGTERM);
        let status = self.ended().await;
        assert!(status.success(), "after SIGTERM: {status}");
    }

    /// Waits until it has ended itself as `kill -9` would.
    pub(crate) async fn killed(&mut self) {
        assert_eq!(self.ended().await.signal(), Some(9));
    }

    /// `kill -9`
    pub(crate) async fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        assert_eq!(self.ended().await.signal(), Some(9));
    }
}

#[allow(clippy::print_stderr, reason = "shown with the failed test")]
impl Drop for Worker {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let from = log.len().saturating_sub(40_000);
            let tail = log.get(from..).unwrap_or(&log);
            eprintln!("---- {} ----\n{tail}", self.log.display());
        }
    }
}
