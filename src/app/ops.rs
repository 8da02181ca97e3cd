//! What runs in a process, for whoever asks at the socket beside its pid file.
//!
//! Each connection gets one JSON document, and is closed. Nothing is read from it.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::{debug, warn};

use super::metrics::{self, Page};
use super::running::{Registered, Running, RunningDir, Within};
use crate::report::{OperationView, Operations};

/// How long a process may take to answer, and whoever asks to read.
const ANSWER: Duration = Duration::from_secs(2);
/// After a connection that could not be taken, for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(200);
/// Connections answered at once; the next one waits.
const AT_ONCE: usize = 16;

/// One process and what runs in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProcessView {
    /// Process id.
    pub pid: u32,
    /// Version of the program.
    pub version: String,
    /// `host@backend` of its sections.
    pub hosts: Vec<String>,
    /// When it was asked, by its clock.
    pub at: DateTime<Utc>,
    /// What runs, the oldest first.
    pub operations: Vec<OperationView>,
}

/// Why a process does not tell.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The socket cannot be used.
    #[error("socket {path}: {cause}")]
    Socket {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// It says nothing, or stopped in the middle.
    #[error("no answer within {} s", ANSWER.as_secs())]
    Silent,
    /// Another version of the program, with another document.
    #[error("its answer cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
}

/// Shows what runs to those who may see it, until it is dropped. That it cannot be shown is no
/// reason not to serve.
pub(super) fn show(
    registered: &Registered,
    metrics_listen: Option<SocketAddr>,
    page: Page,
) -> JoinSet<()> {
    let mut shown = JoinSet::new();
    match registered.listen() {
        Ok(listener) => {
            let (hosts, operations) = (page.hosts.clone(), page.operations.clone());
            shown.spawn(answer(listener, hosts, operations));
        }
        Err(error) => warn!(%error, "no socket for `ops`, which will show nothing"),
    }
    if let Some(address) = metrics_listen {
        shown.spawn(metrics::serve(address, page));
    }
    shown
}

/// Answers for as long as it is polled.
async fn answer(listener: UnixListener, hosts: Vec<String>, operations: Operations) {
    let mut answers = JoinSet::new();
    loop {
        while answers.len() >= AT_ONCE {
            answers.join_next().await;
        }
        while answers.try_join_next().is_some() {}
        let mut stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                warn!(%error, "a connection of `ops` is not taken");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let (hosts, operations) = (hosts.clone(), operations.clone());
        answers.spawn(async move {
            let view = ProcessView {
                pid: std::process::id(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                hosts,
                at: Utc::now(),
                operations: operations.snapshot(),
            };
            let written = async {
                let document = serde_json::to_vec(&view)?;
                stream.write_all(&document).await?;
                stream.shutdown().await
            };
            match timeout(ANSWER, written).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => debug!(%error, "who asked what runs has gone"),
                Err(_) => debug!("who asked what runs does not read"),
            }
        });
    }
}

/// Asks a process what runs in it.
///
/// # Errors
///
/// There is no socket, or no permission; no answer within two seconds, or none that is known.
pub async fn ask(dir: &RunningDir, running: &Running) -> Result<ProcessView, AskError> {
    let path = dir.socket(running.pid);
    let asked = async {
        let within = Within::of(&path)?;
        let mut stream = UnixStream::connect(within.path()).await?;
        let mut document = Vec::new();
        stream.read_to_end(&mut document).await?;
        Ok(document)
    };
    match timeout(ANSWER, asked).await {
        Ok(Ok(document)) => Ok(serde_json::from_slice(&document)?),
        Ok(Err(cause)) => Err(AskError::Socket { path, cause }),
        Err(_) => Err(AskError::Silent),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::report::Beginning;

    #[tokio::test]
    async fn who_asks_gets_what_runs() {
        let state = tempfile::tempdir().unwrap();
        let dir = RunningDir::new(state.path());
        let registered = dir.register(vec!["ctl@xio".to_owned()]).unwrap();
        let operations = Operations::default();
        let hosts = vec!["ctl@xio".to_owned()];
        let listener = registered.listen().unwrap();
        let answering = tokio::spawn(answer(listener, hosts, operations.clone()));
        let running = dir.list().unwrap().remove(0);
        assert_eq!(ask(&dir, &running).await.unwrap().operations, []);
        let operation = operations.begin(Beginning {
            host: "ctl@xio",
            method: "delete_volume",
            resource: Some("volume/v1".to_owned()),
            request_id: "req-1",
        });
        let seen = ask(&dir, &running).await.unwrap();
        assert_eq!((seen.pid, seen.hosts), (running.pid, running.hosts.clone()));
        assert_eq!(seen.operations.len(), 1);
        assert_eq!(seen.operations[0].method, operations.snapshot()[0].method);
        drop(operation);
        assert_eq!(ask(&dir, &running).await.unwrap().operations, []);
        answering.abort();
    }

    #[tokio::test]
    async fn a_process_that_says_nothing_is_not_waited_for() {
        let state = tempfile::tempdir().unwrap();
        let dir = RunningDir::new(state.path());
        let registered = dir.register(Vec::new()).unwrap();
        let running = dir.list().unwrap().remove(0);
        let refused = ask(&dir, &running).await;
        assert!(
            matches!(refused, Err(AskError::Socket { .. })),
            "{refused:?}"
        );
        // It takes connections, and nobody answers.
        let _listener = registered.listen().unwrap();
        let began = tokio::time::Instant::now();
        let silent = ask(&dir, &running).await;
        assert!(matches!(silent, Err(AskError::Silent)), "{silent:?}");
        assert!(began.elapsed() < ANSWER * 3);
    }
}
