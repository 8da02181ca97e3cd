//! The machine as the data paths see it: programs that are run, files of the kernel that are read
//! and written. A test puts another one in its place.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::process::Command;

use super::path::PathError;

/// Longest part of a program's complaint that is kept, characters.
const COMPLAINT: usize = 600;

/// A program and what it is told.
#[derive(Debug, Clone)]
pub struct Call {
    /// Looked up in `PATH`.
    pub program: &'static str,
    /// Arguments.
    pub args: Vec<String>,
    /// One more, last, that no log shows.
    pub secret: Option<SecretString>,
    /// Then it is killed.
    pub limit: Duration,
}

impl Call {
    /// A call without secret.
    pub fn new(program: &'static str, args: &[&str], limit: Duration) -> Self {
        Self {
            program,
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            secret: None,
            limit,
        }
    }
}

/// Without the secret.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.program)?;
        self.args.iter().try_for_each(|arg| write!(f, " {arg}"))?;
        if self.secret.is_some() {
            write!(f, " ***")?;
        }
        Ok(())
    }
}

/// What a program answered.
#[derive(Debug, Clone, Default)]
pub struct Output {
    /// Exit code; -1 when a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// Runs programs, and writes files of the kernel.
#[async_trait]
pub trait Machine: Send + Sync + fmt::Debug {
    /// Runs a program to its end.
    ///
    /// # Errors
    /// When it cannot be started; kind `TimedOut` when it was killed at its limit.
    async fn run(&self, call: &Call) -> io::Result<Output>;

    /// Writes to an existing file of the kernel, at a path below [`Machine::root`].
    ///
    /// # Errors
    /// What the kernel said; kind `TimedOut` when it said nothing within `limit`.
    async fn write(&self, path: &Path, text: &str, limit: Duration) -> io::Result<()>;

    /// What `/` is.
    fn root(&self) -> &Path;
}

/// This host.
#[derive(Debug, Default)]
pub struct LocalMachine;

#[async_trait]
impl Machine for LocalMachine {
    async fn run(&self, call: &Call) -> io::Result<Output> {
        tracing::debug!(%call, "running");
        let mut command = Command::new(call.program);
        command
            .args(&call.args)
            .args(call.secret.iter().map(|secret| secret.expose_secret()))
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .process_group(0)
            .kill_on_drop(true);
        let ended = tokio::time::timeout(call.limit, command.output()).await;
        let output = ended.map_err(|_| io::ErrorKind::TimedOut)??;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let output = Output {
            code: output.status.code().unwrap_or(-1),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        };
        tracing::debug!(%call, code = output.code, "ran");
        Ok(output)
    }

    async fn write(&self, path: &Path, text: &str, limit: Duration) -> io::Result<()> {
        use std::io::Write as _;
        tracing::debug!(path = %path.display(), text, "writing");
        let (path, text) = (path.to_owned(), text.to_owned());
        let written = tokio::task::spawn_blocking(move || {
            let mut file = std::fs::OpenOptions::new().write(true).open(path)?;
            file.write_all(text.as_bytes())
        });
        let ended = tokio::time::timeout(limit, written).await;
        ended
            .map_err(|_| io::ErrorKind::TimedOut)?
            .map_err(io::Error::other)?
    }

    fn root(&self) -> &Path {
        Path::new("/")
    }
}

/// Runs a program, whatever its exit code.
pub(super) async fn run(machine: &dyn Machine, call: &Call) -> Result<Output, PathError> {
    machine
        .run(call)
        .await
        .map_err(|source| match source.kind() {
            io::ErrorKind::TimedOut => PathError::Deadline {
                what: call.to_string(),
                limit: call.limit,
            },
            _ => PathError::Io {
                what: format!("running {call}"),
                source,
            },
        })
}

/// Runs a program that must end with one of these exit codes.
pub(super) async fn accept(
    machine: &dyn Machine,
    call: &Call,
    codes: &[i32],
) -> Result<Output, PathError> {
    let output = run(machine, call).await?;
    if codes.contains(&output.code) {
        return Ok(output);
    }
    Err(failed(call, &output))
}

/// The error of a program that ended badly.
pub(super) fn failed(call: &Call, output: &Output) -> PathError {
    let said = match output.stderr.trim() {
        "" => output.stdout.trim(),
        text => text,
    };
    PathError::Failed {
        what: call.to_string(),
        status: format!("exit code {}", output.code),
        stderr: said.chars().take(COMPLAINT).collect(),
    }
}

/// A path of the machine: `sys/...`, without the leading `/`.
pub(super) fn at(machine: &dyn Machine, path: &str) -> PathBuf {
    machine.root().join(path.trim_start_matches('/'))
}

/// A short text file of the kernel, trimmed; `None` when it is not there or empty.
pub(super) fn read(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Names in a folder, sorted; none when it is not there.
pub(super) fn names(path: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn call(program: &'static str, args: &[&str]) -> Call {
        Call::new(program, args, Duration::from_secs(20))
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_given_up() {
        let mut hangs = call("sleep", &["600"]);
        hangs.limit = Duration::from_millis(50);
        let error = run(&LocalMachine, &hangs).await.unwrap_err();
        assert!(matches!(error, PathError::Deadline { .. }), "{error}");
    }

    #[tokio::test]
    async fn exit_codes_are_looked_at_and_secrets_are_passed_but_not_told() {
        let mut says = call("sh", &["-c", "printf %s \"$1\"; exit 21", "x"]);
        says.secret = Some("hidden".into());
        let output = accept(&LocalMachine, &says, &[0, 21]).await.unwrap();
        assert_eq!((output.code, output.stdout.as_str()), (21, "hidden"));
        assert!(!format!("{says} {says:?}").contains("hidden"));
        let error = accept(
            &LocalMachine,
            &call("sh", &["-c", "echo no >&2; exit 3"]),
            &[0],
        )
        .await
        .unwrap_err()
        .to_string();
        assert!(error.ends_with("(exit code 3): no"), "{error}");
    }
}
