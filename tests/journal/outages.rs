//! A journal that cannot be written, and one that can again.

use cinder_volume_xtremio::journal::{Begun, Health, Journal, JournalError, JournalOptions};
use futures::join;

use super::{HOST, failing, ids, intent, large, lock, place, queue, sqlite, starts, well};

/// Makes an intent unreadable that SQLite finds nothing wrong with.
const SPOIL: &str = "UPDATE intents SET details = '[not json' WHERE unique_id = 'bad'";

fn pages(limit: u32) -> JournalOptions {
    JournalOptions {
        max_pages: Some(limit),
        ..JournalOptions::default()
    }
}

#[tokio::test]
async fn a_full_disk_fails_begin_until_there_is_room() {
    let (_folder, path) = place();
    let journal = Journal::open_with(&path, &pages(64)).unwrap();
    let mut begun = 0;
    let error = loop {
        match journal.begin(&large(&format!("{begun:02}"), 20_000)).await {
            Ok(_) => begun += 1,
            Err(error) => break error,
        }
    };
    assert!((5..=15).contains(&begun), "{begun}");
    assert!(matches!(error, JournalError::Full { .. }), "{error:?}");
    assert!(error.is_outage());
    let reason = failing(&journal);
    assert!(reason.contains(path.to_str().unwrap()), "{reason}");
    assert!(reason.contains("full"), "{reason}");
    let open = journal.intents(HOST).await.unwrap();
    assert_eq!(open.len(), begun, "a begin that failed left something");

    // commands end; the room of one is not enough for the probe
    journal.finish(HOST, "00").await.unwrap();
    assert!(matches!(*journal.health().borrow(), Health::Failing(_)));
    for i in 1..begun {
        journal.finish(HOST, &format!("{i:02}")).await.unwrap();
    }
    well(&journal).await;
    let filling = "SELECT count(*) FROM probe";
    let left: i64 = sqlite(&path)
        .query_row(filling, [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 0);
    assert_eq!(starts(&journal, &large("new", 20_000)).await, 1);
    let ended = journal.begin(&intent("00")).await.unwrap();
    assert!(matches!(ended, Begun::Finished(_)), "{ended:?}");
}

#[tokio::test]
async fn a_begin_that_succeeds_ends_the_outage() {
    let (_folder, path) = place();
    // less than what a probe needs: the writer alone would not find out
    let journal = Journal::open_with(&path, &pages(20)).unwrap();
    let error = journal.begin(&large("a", 1_000_000)).await.unwrap_err();
    assert!(matches!(error, JournalError::Full { .. }), "{error:?}");
    failing(&journal);
    assert_eq!(starts(&journal, &intent("b")).await, 1);
    assert_eq!(*journal.health().borrow(), Health::Well);
}

#[tokio::test]
async fn one_that_does_not_fit_does_not_harm_its_neighbours() {
    let (_folder, path) = place();
    let journal = Journal::open_with(&path, &pages(64)).unwrap();
    starts(&journal, &intent("old")).await;
    starts(&journal, &intent("bad")).await;
    let other = lock(&path);
    other.execute(SPOIL, []).unwrap();
    let news = [
        intent("a"),
        large("b", 1_000_000),
        intent("c"),
        intent("bad"),
    ];
    let mut all = Box::pin(async {
        join!(
            // may meet the lock alone
            journal.hand_back(HOST, "old"),
            journal.begin(&news[3]),
            journal.begin(&news[0]),
            journal.begin(&news[1]),
            journal.begin(&news[2]),
            journal.finish(HOST, "old"),
        )
    });
    queue(&mut all).await;
    other.execute_batch("COMMIT").unwrap();
    let (first, bad, a, b, c, old) = all.await;
    first.unwrap();
    let error = bad.unwrap_err();
    assert!(matches!(error, JournalError::Corrupt { .. }), "{error:?}");
    assert_eq!(a.unwrap(), Begun::Started { starts: 1 });
    let error = b.unwrap_err();
    assert!(matches!(error, JournalError::Full { .. }), "{error:?}");
    assert_eq!(c.unwrap(), Begun::Started { starts: 1 });
    old.unwrap();
    assert!(journal.health().has_changed().unwrap(), "was always well");
    journal.finish(HOST, "bad").await.unwrap();
    assert_eq!(ids(&journal.intents(HOST).await.unwrap()), ["a", "c"]);
    well(&journal).await;
}

#[tokio::test]
async fn an_intent_that_cannot_be_read_fails_its_own_command_only() {
    let (_folder, path) = place();
    let journal = Journal::open(&path).unwrap();
    starts(&journal, &intent("bad")).await;
    let other = lock(&path);
    other.execute(SPOIL, []).unwrap();
    let commits = journal.costs().commits;
    let news = [intent("a"), intent("bad"), intent("c")];
    let mut all = Box::pin(async {
        join!(
            journal.begin(&news[0]),
            journal.begin(&news[1]),
            journal.begin(&news[2]),
        )
    });
    queue(&mut all).await;
    other.execute_batch("COMMIT").unwrap();
    let (a, bad, c) = all.await;
    a.unwrap();
    c.unwrap();
    let error = bad.unwrap_err();
    assert!(matches!(error, JournalError::Corrupt { .. }), "{error:?}");
    assert!(!error.is_outage());
    assert_eq!(*journal.health().borrow(), Health::Well);
    assert!(journal.costs().commits - commits <= 2);
    journal.intents(HOST).await.unwrap_err();
    // its end needs none of it
    journal.finish(HOST, "bad").await.unwrap();
    assert_eq!(ids(&journal.intents(HOST).await.unwrap()), ["a", "c"]);
}

#[tokio::test]
async fn a_file_that_was_taken_away_is_not_written() {
    let (folder, path) = place();
    let journal = Journal::open(&path).unwrap();
    starts(&journal, &intent("a")).await;
    let aside = folder.path().join("aside");
    std::fs::rename(&path, &aside).unwrap();
    let error = journal.begin(&intent("b")).await.unwrap_err();
    assert!(matches!(error, JournalError::Gone { .. }), "{error:?}");
    assert!(error.is_outage());
    assert!(failing(&journal).contains("removed or replaced"));
    std::fs::write(&path, "").unwrap();
    let error = journal.finish(HOST, "a").await.unwrap_err();
    assert!(matches!(error, JournalError::Gone { .. }), "{error:?}");
    std::fs::rename(&aside, &path).unwrap();
    well(&journal).await;
    assert_eq!(ids(&journal.intents(HOST).await.unwrap()), ["a"]);
    assert_eq!(starts(&journal, &intent("b")).await, 1);
}
