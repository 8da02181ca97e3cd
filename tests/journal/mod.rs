//! Tests of `journal`, on real files.

mod commands;
mod files;
mod outages;
mod sharing;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use cinder_volume_xtremio::journal::{Begun, Health, Intent, Journal, NewIntent};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::watch;

const HOST: &str = "ctl@xio";
/// Longest wait for something that happens within about a second.
const LIMIT: Duration = Duration::from_secs(30);

/// A path in a folder that does not exist yet.
fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state/journal.sqlite");
    (folder, path)
}

fn intent(id: &str) -> NewIntent {
    NewIntent {
        host: HOST.into(),
        unique_id: id.into(),
        method: "create_volume".into(),
        resource: Some(format!("volume/{id}")),
        planned: vec![format!("volume-{id}")],
        details: json!({"source": "image"}).as_object().unwrap().clone(),
    }
}

/// An intent of about so many bytes.
fn large(id: &str, bytes: usize) -> NewIntent {
    let mut new = intent(id);
    new.details
        .insert("connector".into(), "x".repeat(bytes).into());
    new
}

async fn starts(journal: &Journal, new: &NewIntent) -> u32 {
    match journal.begin(new).await.unwrap() {
        Begun::Started { starts } => starts,
        other => panic!("{other:?}"),
    }
}

fn ids(intents: &[Intent]) -> Vec<&str> {
    intents.iter().map(|i| i.unique_id.as_str()).collect()
}

/// Another connection to the file.
fn sqlite(path: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(path).unwrap()
}

/// Takes the write lock until the connection is told `COMMIT` or dropped.
fn lock(path: &Path) -> rusqlite::Connection {
    let conn = sqlite(path);
    conn.execute_batch("BEGIN IMMEDIATE").unwrap();
    conn
}

/// Polls a future once, which queues its calls; it must not be ready.
async fn queue<F: Future>(future: &mut Pin<Box<F>>) {
    let once = std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending()));
    assert!(once.await, "done before it could wait");
}

/// Drops the journal and waits until its thread has closed the file.
async fn close(journal: Journal) {
    let health = journal.health();
    drop(journal);
    closed(health).await;
}

async fn closed(mut health: watch::Receiver<Health>) {
    let end = async { while health.changed().await.is_ok() {} };
    tokio::time::timeout(LIMIT, end).await.unwrap();
}

async fn well(journal: &Journal) {
    let mut health = journal.health();
    let well = health.wait_for(|h| *h == Health::Well);
    tokio::time::timeout(LIMIT, well).await.unwrap().unwrap();
}

/// The reason of a journal that fails now.
fn failing(journal: &Journal) -> String {
    match journal.health().borrow().clone() {
        Health::Failing(reason) => reason,
        Health::Well => panic!("the journal is well"),
    }
}
