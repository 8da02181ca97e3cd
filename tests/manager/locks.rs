//! Locks between processes of one machine, against Cinder's own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cinder_volume_xtremio::manager::{LockError, LockGuard, Locks};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// Python imports much, and the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long somebody who must wait is watched: several of the longest pauses between tries.
pub(super) const WATCH: Duration = Duration::from_millis(400);
const ID: &str = "5d0c6f0e-3f6a-4a3e-9d4c-0d6c2b8f1a77";

/// `locks_peer.py` on a folder.
pub(super) struct Peer {
    child: Child,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    pub(super) async fn start(folder: &Path) -> Self {
        let venv = std::env::var("CVX_PY_VENV")
            .expect("CVX_PY_VENV names no Python environment with Cinder: run `make test`");
        let mut child = Command::new(PathBuf::from(venv).join("bin/python"))
            .arg(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/tests/manager/locks_peer.py"
            ))
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut peer = Self {
            commands: child.stdin.take().unwrap(),
            answers: BufReader::new(child.stdout.take().unwrap()).lines(),
            child,
        };
        assert_eq!(peer.answer().await, "ready");
        peer
    }

    async fn tell(&mut self, command: Value) {
        let line = format!("{command}\n");
        self.commands.write_all(line.as_bytes()).await.unwrap();
    }

    async fn answer(&mut self) -> Value {
        let line = timeout(PATIENCE, self.answers.next_line()).await;
        let line = line.expect("the Python peer is silent").unwrap();
        serde_json::from_str(&line.expect("the Python peer has ended")).unwrap()
    }

    pub(super) async fn ask(&mut self, command: Value) -> Value {
        self.tell(command).await;
        self.answer().await
    }
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state/locks");
    (dir, path)
}

fn locks(folder: &Path) -> Locks {
    Locks::new(Some(folder)).unwrap()
}

async fn soon(locks: &Locks, name: &str) -> LockGuard {
    let guard = timeout(PATIENCE, locks.lock(name)).await;
    guard.expect("nobody holds the lock")
}

async fn must_wait(locks: &Locks, name: &str) {
    let got = timeout(WATCH, locks.lock(name)).await;
    assert!(got.is_err(), "{name} is held by two");
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|e| e.unwrap());
    let files = entries.filter(|e| e.file_type().unwrap().is_file());
    let mut names: Vec<_> = files
        .map(|e| e.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn cinder_waits_for_us() {
    let (_dir, folder) = folder();
    let ours = locks(&folder);
    let mut cinder = Peer::start(&folder).await;
    let name = format!("{ID}-delete_volume");
    let path = cinder.ask(json!(["path", name])).await;
    let expected = folder.join(format!("cinder-{name}"));
    assert_eq!(path, json!(expected));

    let guard = soon(&ours, &name).await;
    assert_eq!(cinder.ask(json!(["acquire", name])).await, false);
    assert_eq!(cinder.ask(json!(["fasten", path])).await, false);
    assert_eq!(cinder.ask(json!(["acquire", ID])).await, true);
    assert_eq!(cinder.ask(json!(["detach", ID])).await, true);
    cinder.tell(json!(["enter", ID])).await;
    let entered = timeout(WATCH, cinder.answer()).await;
    assert!(entered.is_err(), "delete_volume runs twice");
    drop(guard);
    assert_eq!(cinder.answer().await, Value::Null);
    must_wait(&ours, &name).await;
}

#[tokio::test]
async fn we_wait_for_cinder() {
    let (_dir, folder) = folder();
    let ours = locks(&folder);
    let mut cinder = Peer::start(&folder).await;
    let name = format!("{ID}-delete_volume");
    cinder.ask(json!(["enter", ID])).await;
    must_wait(&ours, &name).await;
    drop(soon(&ours, ID).await);
    let waiting = tokio::spawn({
        let (ours, name) = (ours.clone(), name.clone());
        async move { soon(&ours, &name).await }
    });
    cinder.ask(json!(["leave", ID])).await;
    drop(waiting.await.unwrap());

    // Without the decorator, as create_volume does for its source.
    assert_eq!(cinder.ask(json!(["acquire", name])).await, true);
    must_wait(&ours, &name).await;
    assert_eq!(cinder.ask(json!(["release", name])).await, true);
    drop(soon(&ours, &name).await);
}

#[tokio::test]
async fn a_killed_holder_holds_no_longer() {
    let (_dir, folder) = folder();
    let ours = locks(&folder);
    let mut cinder = Peer::start(&folder).await;
    assert_eq!(cinder.ask(json!(["acquire", "n"])).await, true);
    must_wait(&ours, "n").await;
    let waiting = tokio::spawn(async move { soon(&ours, "n").await });
    cinder.child.kill().await.unwrap();
    drop(waiting.await.unwrap());
}

/// Adds to the number in a file: two who do it at once lose one of the additions.
async fn count(locks: &Locks, name: &str, file: &Path, times: usize) {
    for _ in 0..times {
        let _guard = soon(locks, name).await;
        let number: usize = fs::read_to_string(file).unwrap().parse().unwrap();
        tokio::task::yield_now().await;
        fs::write(file, (number + 1).to_string()).unwrap();
    }
}

#[tokio::test]
async fn nothing_is_lost_between_cinder_and_two_of_us() {
    let (dir, folder) = folder();
    let (one, two) = (locks(&folder), locks(&folder));
    let mut cinder = Peer::start(&folder).await;
    let number = dir.path().join("number");
    fs::write(&number, "0").unwrap();
    cinder.tell(json!(["count", "n", number, 50])).await;
    tokio::join!(count(&one, "n", &number, 50), count(&two, "n", &number, 50),);
    cinder.answer().await;
    assert_eq!(fs::read_to_string(&number).unwrap(), "150");
}

#[tokio::test]
async fn what_cinder_removes_is_locked_anew() {
    let (_dir, folder) = folder();
    let (one, two) = (locks(&folder), locks(&folder));
    let mut cinder = Peer::start(&folder).await;
    let names = [
        ID.to_owned(),
        format!("{ID}-delete_volume"),
        format!("{ID}-detach_volume"),
    ];
    for name in &names {
        drop(soon(&one, name).await);
    }
    assert_eq!(files(&folder), names.clone().map(|n| format!("cinder-{n}")));
    let held = soon(&one, ID).await;
    cinder.ask(json!(["clean_volume", ID])).await;
    assert_eq!(files(&folder), [""; 0]);
    // Its own file has gone while it was held: it must not take the next one's with it.
    let mut held = held;
    held.remove_on_drop();
    let next = soon(&two, ID).await;
    drop(held);
    must_wait(&one, ID).await;
    assert_eq!(cinder.ask(json!(["acquire", ID])).await, false);
    drop(next);
    drop(soon(&one, ID).await);
}

/// Fifty tasks on two instances; whoever was inside does something with its guard.
async fn one_at_a_time(folder: &Path, leave: fn(&mut LockGuard)) {
    let both = [locks(folder), locks(folder)];
    let inside = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..50)
        .map(|n| {
            let (locks, inside) = (both[n % 2].clone(), inside.clone());
            tokio::spawn(async move {
                let mut guard = soon(&locks, "n").await;
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                tokio::time::sleep(Duration::from_millis(2)).await;
                leave(&mut guard);
                inside.fetch_sub(1, Ordering::SeqCst);
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_instances_exclude_each_other() {
    let (_dir, folder) = folder();
    one_at_a_time(&folder, |_| ()).await;
    assert_eq!(files(&folder), ["cinder-n"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn removing_the_file_lets_no_second_in() {
    let (_dir, folder) = folder();
    one_at_a_time(&folder, LockGuard::remove_on_drop).await;
    assert_eq!(files(&folder), [""; 0]);
}

#[tokio::test]
async fn idle_files_can_be_removed() {
    let (_dir, folder) = folder();
    let (one, two) = (locks(&folder), locks(&folder));
    drop(soon(&one, "idle").await);
    let held = soon(&one, "held").await;
    for name in ["idle", "held", "never made"] {
        two.remove(name).await;
    }
    assert_eq!(files(&folder), ["cinder-held"]);
    must_wait(&two, "held").await;
    drop(held);
}

#[tokio::test]
async fn children_do_not_keep_a_lock() {
    let (_dir, folder) = folder();
    let (one, two) = (locks(&folder), locks(&folder));
    let guard = soon(&one, "n").await;
    let mut child = Command::new("cat")
        .stdin(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    drop(guard);
    drop(soon(&two, "n").await);
    assert!(child.try_wait().unwrap().is_none());
}

#[tokio::test]
async fn hostile_names_stay_inside() {
    let (dir, folder) = folder();
    let (one, two) = (locks(&folder), locks(&folder));
    let long = "x".repeat(5000);
    let names = ["../../etc/x", "/etc/x", "..", "a/b", "a\0b", "ü", "", &long];
    for name in names {
        let _guard = soon(&one, name).await;
        must_wait(&two, name).await;
    }
    let made = files(&folder);
    assert_eq!(made.len(), names.len(), "{made:?}");
    assert!(made.iter().all(|n| n.starts_with("cinder-")), "{made:?}");
    for outside in [dir.path(), folder.parent().unwrap()] {
        let entries = fs::read_dir(outside).unwrap().count();
        assert_eq!(entries, 1, "something was made in {}", outside.display());
    }
}

#[tokio::test]
async fn an_unusable_folder_is_told_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    // Nobody can make files in the second one, not even root.
    for folder in [file.join("locks"), PathBuf::from("/proc/self")] {
        let error = Locks::new(Some(&folder)).unwrap_err();
        let LockError::Folder { folder: named, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(*named, folder);
        let text = error.to_string();
        assert!(text.contains(folder.to_str().unwrap()), "{text}");
        assert!(text.contains("backend_url"), "{text}");
    }
}

#[tokio::test]
async fn a_folder_in_trouble_is_waited_for() {
    let (_dir, folder) = folder();
    let ours = locks(&folder);
    fs::remove_dir(&folder).unwrap();
    drop(soon(&ours, "made again").await);
    assert_eq!(files(&folder), ["cinder-made again"]);

    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, "not a folder").unwrap();
    must_wait(&ours, "n").await;
    let waiting = tokio::spawn(async move { soon(&ours, "n").await });
    tokio::task::yield_now().await;
    fs::remove_file(&folder).unwrap();
    drop(waiting.await.unwrap());
    assert_eq!(files(&folder), ["cinder-n"]);
}

#[tokio::test]
async fn without_a_folder_there_are_no_files() {
    let ours = Locks::new(None).unwrap();
    let mut guard = soon(&ours, "n").await;
    guard.remove_on_drop();
    must_wait(&ours, "n").await;
    drop(guard);
    ours.remove("n").await;
    drop(soon(&ours, "n").await);
}
