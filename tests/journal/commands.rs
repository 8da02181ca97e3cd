//! Intents and finish records, and what is left of them after the process.

use std::time::{Duration, SystemTime};

use cinder_volume_xtremio::journal::{Begun, Journal};
use serde_json::json;

use super::{HOST, close, ids, intent, place, sqlite, starts};

#[tokio::test]
async fn starts_are_counted_until_the_end() {
    let (_folder, path) = place();
    let journal = Journal::open(&path).unwrap();
    let before = SystemTime::now() - Duration::from_millis(1);
    assert_eq!(starts(&journal, &intent("a")).await, 1);
    assert_eq!(starts(&journal, &intent("a")).await, 2);
    assert_eq!(starts(&journal, &intent("b")).await, 1);
    let open = journal.intents(HOST).await.unwrap();
    assert_eq!(ids(&open), ["a", "b"]);
    assert_eq!(open[0].host, HOST);
    assert_eq!(open[0].method, "create_volume");
    assert_eq!(open[0].resource.as_deref(), Some("volume/a"));
    assert_eq!(open[0].planned, ["volume-a"]);
    assert_eq!(open[0].details, intent("a").details);
    assert_eq!(open[0].starts, 2);
    assert!(open[0].first_started >= before);
    assert!(open[0].last_started >= open[0].first_started);
    assert!(open[0].last_started <= SystemTime::now());

    journal.finish(HOST, "a").await.unwrap();
    let Begun::Finished(finish) = journal.begin(&intent("a")).await.unwrap() else {
        panic!("started again")
    };
    assert_eq!(finish.unique_id, "a");
    assert_eq!(finish.method, "create_volume");
    assert_eq!(finish.resource.as_deref(), Some("volume/a"));
    assert!(finish.at >= before && finish.at <= SystemTime::now());
    // again: neither a new record nor a new intent
    journal.finish(HOST, "a").await.unwrap();
    let again = journal.begin(&intent("a")).await.unwrap();
    assert_eq!(again, Begun::Finished(finish));
    assert_eq!(ids(&journal.intents(HOST).await.unwrap()), ["b"]);
}

#[tokio::test]
async fn a_start_that_is_handed_back_does_not_count() {
    let (_folder, path) = place();
    let journal = Journal::open(&path).unwrap();
    starts(&journal, &intent("a")).await;
    journal.hand_back(HOST, "a").await.unwrap();
    assert_eq!(journal.intents(HOST).await.unwrap()[0].starts, 0);
    journal.hand_back(HOST, "a").await.unwrap();
    assert_eq!(journal.intents(HOST).await.unwrap()[0].starts, 0);
    assert_eq!(starts(&journal, &intent("a")).await, 1);
    assert_eq!(starts(&journal, &intent("a")).await, 2);
}

#[tokio::test]
async fn without_an_intent_nothing_is_recorded() {
    let (_folder, path) = place();
    let journal = Journal::open(&path).unwrap();
    journal.finish(HOST, "a").await.unwrap();
    journal.hand_back(HOST, "a").await.unwrap();
    assert_eq!(journal.intents(HOST).await.unwrap(), []);
    assert_eq!(starts(&journal, &intent("a")).await, 1);
}

#[tokio::test]
async fn hosts_do_not_see_each_other() {
    let (_folder, path) = place();
    let journal = Journal::open(&path).unwrap();
    let mut other = intent("a");
    other.host = "ctl@other".into();
    other.resource = None;
    starts(&journal, &intent("a")).await;
    assert_eq!(starts(&journal, &other).await, 1);
    journal.finish("ctl@other", "a").await.unwrap();
    assert_eq!(ids(&journal.intents(HOST).await.unwrap()), ["a"]);
    assert_eq!(journal.intents("ctl@other").await.unwrap(), []);
    assert_eq!(starts(&journal, &intent("a")).await, 2);
}

#[tokio::test]
async fn a_repeat_adds_to_what_an_earlier_start_planned() {
    let (_folder, path) = place();
    let journal = Journal::open(&path).unwrap();
    starts(&journal, &intent("a")).await;
    let mut again = intent("a");
    again.planned = vec!["tmp-1".into(), "volume-a".into()];
    again.details = json!({"source": "clone", "initiator": "iqn.x"})
        .as_object()
        .unwrap()
        .clone();
    starts(&journal, &again).await;
    let open = journal.intents(HOST).await.unwrap();
    assert_eq!(open[0].planned, ["volume-a", "tmp-1"]);
    assert_eq!(open[0].details, again.details);
}

#[tokio::test]
async fn a_journal_that_is_opened_again_knows_everything() {
    let (_folder, path) = place();
    let journal = Journal::open(&path).unwrap();
    for id in ["c", "a", "b", "d"] {
        starts(&journal, &intent(id)).await;
    }
    starts(&journal, &intent("a")).await;
    journal.finish(HOST, "b").await.unwrap();
    journal.hand_back(HOST, "d").await.unwrap();
    let before = journal.intents(HOST).await.unwrap();
    let finish = journal.begin(&intent("b")).await.unwrap();
    close(journal).await;

    let journal = Journal::open(&path).unwrap();
    let open = journal.intents(HOST).await.unwrap();
    assert_eq!(ids(&open), ["c", "a", "d"]);
    assert_eq!(open, before);
    assert_eq!(journal.begin(&intent("b")).await.unwrap(), finish);
    assert_eq!(starts(&journal, &intent("a")).await, 3);
}

#[tokio::test]
async fn finish_records_go_after_a_day() {
    let (_folder, path) = place();
    let journal = Journal::open(&path).unwrap();
    for id in ["old", "young"] {
        starts(&journal, &intent(id)).await;
        journal.finish(HOST, id).await.unwrap();
    }
    close(journal).await;
    let conn = sqlite(&path);
    let age = |hours: i64| {
        let hours = Duration::from_secs(u64::try_from(hours).unwrap() * 3600);
        let then = (SystemTime::now() - hours).duration_since(SystemTime::UNIX_EPOCH);
        i64::try_from(then.unwrap().as_micros()).unwrap()
    };
    let set = "UPDATE finishes SET finished_at = ?1 WHERE unique_id = ?2";
    conn.execute(set, rusqlite::params![age(25), "old"])
        .unwrap();
    conn.execute(set, rusqlite::params![age(23), "young"])
        .unwrap();
    // more than one transaction's worth
    conn.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
         INSERT INTO finishes SELECT host, unique_id || i, method, resource, finished_at
         FROM finishes, n WHERE unique_id = 'old'",
        [],
    )
    .unwrap();
    drop(conn);

    let journal = Journal::open(&path).unwrap();
    let left: Vec<String> = sqlite(&path)
        .prepare("SELECT unique_id FROM finishes")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(left, ["young"]);
    assert_eq!(journal.costs().commits, 3);
    assert_eq!(starts(&journal, &intent("old")).await, 1);
}
