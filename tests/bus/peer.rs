//! A Python process with the real oslo.messaging and Cinder's RPC clients.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// Python imports much, and the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// `python_peer.py`; killed with its owner, because an oslo server takes up to 9 s to stop.
pub(crate) struct Peer {
    _child: Child,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    /// What its servers have heard.
    pub(crate) heard: BTreeSet<String>,
    _dir: tempfile::TempDir,
}

impl Peer {
    /// Starts it on a `transport_url`, with options of `[oslo_messaging_rabbit]`.
    pub(crate) async fn start(url: &str, rabbit: &Value) -> Self {
        let venv = std::env::var("CVX_PY_VENV")
            .expect("CVX_PY_VENV names no Python environment with Cinder: run `make test`");
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(PathBuf::from(venv).join("bin/python"))
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/bus/python_peer.py"
            ))
            .args([url, &rabbit.to_string()])
            // use_queue_manager keeps its counter under a lock there
            .env("OSLO_LOCK_PATH", dir.path())
            .current_dir(dir.path())
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
            heard: BTreeSet::new(),
            _dir: dir,
        };
        peer.answer().await;
        peer
    }

    /// Runs one command and gives its answer.
    pub(crate) async fn ask(&mut self, command: Value) -> Value {
        let line = format!("{command}\n");
        self.commands.write_all(line.as_bytes()).await.unwrap();
        self.answer().await
    }

    /// The same, which must not fail.
    pub(crate) async fn tell(&mut self, command: Value) -> Value {
        let answer = self.ask(command.clone()).await;
        assert!(answer.get("error").is_none(), "{command}: {answer}");
        answer["result"].clone()
    }

    /// Starts the two servers of a backend.
    pub(crate) async fn serve(&mut self, host: &str) {
        self.tell(json!({"do": "serve", "host": host})).await;
    }

    /// Reads lines until its servers have heard so many.
    pub(crate) async fn hear(&mut self, count: usize) {
        while self.heard.len() < count {
            let line = self.line().await;
            self.note(&line);
        }
    }

    async fn answer(&mut self) -> Value {
        loop {
            let line = self.line().await;
            if !self.note(&line) {
                return line;
            }
        }
    }

    fn note(&mut self, line: &Value) -> bool {
        match line["heard"].as_str() {
            Some(text) => {
                self.heard.insert(text.to_owned());
                true
            }
            None => false,
        }
    }

    async fn line(&mut self) -> Value {
        let line = timeout(PATIENCE, self.answers.next_line()).await;
        let line = line.expect("the Python peer is silent").unwrap();
        serde_json::from_str(&line.expect("the Python peer has ended")).unwrap()
    }
}
