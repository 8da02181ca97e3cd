//! Many commands, several openers, other processes.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use cinder_volume_xtremio::journal::{Begun, Journal, JournalError, JournalOptions};
use futures::future::{join_all, try_join_all};

use super::{HOST, close, closed, failing, ids, intent, lock, place, queue, starts, well};

#[tokio::test]
async fn commands_that_begin_together_share_a_commit() {
    let (_folder, path) = place();
    let journal = Journal::open(&path).unwrap();
    let new: Vec<_> = (0..64).map(|i| intent(&format!("{i:02}"))).collect();
    let other = lock(&path);
    let mut begins = Box::pin(join_all(new.iter().map(|new| starts(&journal, new))));
    queue(&mut begins).await;
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(begins.await, [1; 64]);
    let costs = journal.costs();
    assert_eq!(costs.operations, 64);
    // what was there when the lock was met, and the rest
    assert!((1..=2).contains(&costs.commits), "{costs:?}");
    assert!(costs.busy > Duration::ZERO);
    let open = journal.intents(HOST).await.unwrap();
    let expected: Vec<_> = new.iter().map(|new| new.unique_id.as_str()).collect();
    assert_eq!(ids(&open), expected);
    assert_eq!(journal.costs(), costs, "reading costs no commit");
}

#[tokio::test]
async fn two_openers_see_each_other() {
    let (_folder, path) = place();
    let one = Journal::open(&path).unwrap();
    let two = Journal::open(&path).unwrap();
    starts(&one, &intent("a")).await;
    assert_eq!(ids(&two.intents(HOST).await.unwrap()), ["a"]);
    assert_eq!(starts(&two, &intent("a")).await, 2);
    close(two).await;
    one.finish(HOST, "a").await.unwrap();
    let three = Journal::open(&path).unwrap();
    let begun = three.begin(&intent("a")).await.unwrap();
    assert!(matches!(begun, Begun::Finished(_)), "{begun:?}");

    let new = intent("b");
    let begins = (0..100).map(|i| starts(if i % 2 == 0 { &one } else { &three }, &new));
    let counted: BTreeSet<u32> = join_all(begins).await.into_iter().collect();
    assert_eq!(counted, (1..=100).collect());
}

#[tokio::test]
async fn openers_may_start_at_once() {
    let (_folder, path) = place();
    let barrier = std::sync::Barrier::new(8);
    let open = || {
        barrier.wait();
        Journal::open(&path)
    };
    let journals: Vec<Journal> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        let opened = threads.into_iter().map(|t| t.join().unwrap());
        opened.collect::<Result<_, _>>().unwrap()
    });
    let new = intent("a");
    let mut counted = join_all(journals.iter().map(|journal| starts(journal, &new))).await;
    counted.sort_unstable();
    assert_eq!(counted, (1..=8).collect::<Vec<u32>>());
}

/// Another process that holds the write lock, and adds an intent before it lets go.
fn python(path: &Path) -> Child {
    let script = "
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute('BEGIN IMMEDIATE')
db.execute('''INSERT INTO intents (host, unique_id, method, planned, details, starts,
    first_started, last_started) VALUES ('ctl@xio', 'python', 'm', '[]', '{}', 1, 0, 0)''')
print('locked', flush=True)
sys.stdin.readline()
db.execute('COMMIT')
";
    let mut child = Command::new("python3")
        .args(["-c", script])
        .arg(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let stdout = child.stdout.as_mut().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    assert_eq!(line, "locked\n");
    child
}

fn let_go(mut child: Child) {
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    assert!(child.wait().unwrap().success());
}

#[tokio::test]
async fn another_process_is_waited_for() {
    let (_folder, path) = place();
    let journal = Journal::open(&path).unwrap();
    let other = python(&path);
    let new = intent("a");
    let mut begin = Box::pin(journal.begin(&new));
    queue(&mut begin).await;
    let_go(other);
    assert_eq!(begin.await.unwrap(), Begun::Started { starts: 1 });
    assert_eq!(ids(&journal.intents(HOST).await.unwrap()), ["python", "a"]);
}

#[tokio::test]
async fn another_process_that_holds_on_is_an_outage() {
    let (_folder, path) = place();
    let options = JournalOptions {
        busy_timeout: Duration::from_millis(50),
        ..JournalOptions::default()
    };
    let journal = Journal::open_with(&path, &options).unwrap();
    starts(&journal, &intent("a")).await;
    let other = python(&path);
    let error = journal.begin(&intent("b")).await.unwrap_err();
    assert!(matches!(error, JournalError::Busy { .. }), "{error:?}");
    assert!(error.is_outage());
    assert!(failing(&journal).contains("locked by another process"));
    // what it has not committed is not seen, and reading goes on
    assert_eq!(ids(&journal.intents(HOST).await.unwrap()), ["a"]);
    let_go(other);
    well(&journal).await;
    assert_eq!(ids(&journal.intents(HOST).await.unwrap()), ["a", "python"]);
    assert_eq!(starts(&journal, &intent("b")).await, 1);
}

#[tokio::test]
async fn what_is_queued_is_done_though_nobody_waits() {
    let (_folder, path) = place();
    let journal = Journal::open(&path).unwrap();
    let health = journal.health();
    let other = lock(&path);
    let new = [intent("a"), intent("b")];
    let mut begins = Box::pin(join_all(new.iter().map(|new| journal.begin(new))));
    queue(&mut begins).await;
    drop(begins);
    drop(journal);
    other.execute_batch("COMMIT").unwrap();
    drop(other);
    closed(health).await;
    assert!(!path.with_extension("sqlite-wal").exists(), "still open");
    let journal = Journal::open(&path).unwrap();
    assert_eq!(ids(&journal.intents(HOST).await.unwrap()), ["a", "b"]);
}

#[tokio::test]
async fn what_has_begun_is_in_the_files() {
    let (folder, path) = place();
    let journal = Journal::open(&path).unwrap();
    let new: Vec<_> = (0..40).map(|i| intent(&format!("{i:02}"))).collect();
    try_join_all(new.iter().map(|new| journal.begin(new)))
        .await
        .unwrap();
    // others go on while the files are copied; by another process, whose closing of the
    // file releases no lock of ours
    let busy = journal.clone();
    let load = tokio::spawn(async move {
        for i in 0..100 {
            starts(&busy, &intent(&format!("later{i}"))).await;
        }
    });
    let copy = folder.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    let wal = path.with_extension("sqlite-wal");
    let mut cp = tokio::process::Command::new("cp");
    let cp = cp.args([&path, &wal, &copy]).status().await.unwrap();
    assert!(cp.success());

    let copied = Journal::open(&copy.join("journal.sqlite")).unwrap();
    let open = copied.intents(HOST).await.unwrap();
    assert_eq!(
        ids(&open[..40]),
        ids(&journal.intents(HOST).await.unwrap()[..40])
    );
    load.await.unwrap();
}
