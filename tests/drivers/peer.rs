//! A Python process with Cinder's own drivers.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// Python imports much, and the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// `driver_peer.py`; killed with its owner.
pub(super) struct Peer {
    _child: Child,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    /// The class of client that each section's driver chose, by section.
    pub(super) clients: Value,
}

impl Peer {
    /// Starts it with these sections of a cinder.conf; returns when all drivers are set up.
    pub(super) async fn start(sections: &Map<String, Value>, dir: &Path) -> Self {
        let venv = std::env::var("CVX_PY_VENV")
            .expect("CVX_PY_VENV names no Python environment with Cinder: run `make test`");
        let mut child = Command::new(PathBuf::from(venv).join("bin/python"))
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/drivers/driver_peer.py"
            ))
            .arg(Value::from(sections.clone()).to_string())
            .current_dir(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let commands = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut peer = Self {
            _child: child,
            commands,
            answers,
            clients: Value::Null,
        };
        peer.clients = peer.answer().await["result"].clone();
        peer
    }

    /// Calls a method of a section's driver and gives the peer's answer.
    pub(super) async fn ask(
        &mut self,
        section: &str,
        call: &str,
        args: Value,
        kwargs: Value,
    ) -> Value {
        let command = json!({"section": section, "call": call, "args": args, "kwargs": kwargs});
        let line = format!("{command}\n");
        self.commands.write_all(line.as_bytes()).await.unwrap();
        self.answer().await
    }

    async fn answer(&mut self) -> Value {
        let line = timeout(PATIENCE, self.answers.next_line()).await;
        let line = line.expect("the Python peer is silent").unwrap();
        serde_json::from_str(&line.expect("the Python peer has ended")).unwrap()
    }
}
