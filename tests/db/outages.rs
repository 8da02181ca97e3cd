//! Lines that die: what a call sees, and that the next ones reach the database again.

use std::time::Duration;

use cinder_volume_xtremio::config::DatabaseOptions;
use cinder_volume_xtremio::db::{Db, DbError, Read, VolumeChanges};
use sea_orm::{ConnectionTrait, TransactionTrait};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, timeout};

use crate::support::database::TestDb;
use crate::support::relay::Relay;

/// Connections of the handle under test.
const POOL: u32 = 2;
/// Time limit of one try.
const DEADLINE: Duration = Duration::from_secs(1);

/// A handle whose connections pass through a relay.
async fn behind_relay(t: &TestDb) -> (Relay, Db) {
    let url: reqwest::Url = t.options.url.expose_secret().parse().unwrap();
    let relay = Relay::to(([127, 0, 0, 1], url.port().unwrap()).into()).await;
    let mut through = url;
    through.set_port(Some(relay.addr().port())).unwrap();
    let options = DatabaseOptions {
        url: SecretString::from(through.to_string()),
        max_connections: POOL,
        ..t.options.clone()
    };
    let db = Db::connect(&options).await.unwrap();
    (relay, db.with_deadline(DEADLINE))
}

/// Fills the pool, so that every connection of it is caught by what follows.
async fn fill(db: &Db, id: &str) {
    let reads = (0..POOL * 4).map(|_| db.volume(id, Read::Live));
    futures::future::try_join_all(reads).await.unwrap();
}

async fn connections_that_died_silently_are_replaced(t: TestDb) {
    let id = t.volume("p", "ctl@xio#a", 1, "creating").await;
    let (relay, db) = behind_relay(&t).await;
    fill(&db, &id).await;
    relay.strand();
    let began = Instant::now();
    let available = VolumeChanges::new().status("available");
    let writes = (0..POOL * 2).map(|_| {
        db.until_available(Duration::from_secs(30), || {
            db.update_volume(&id, &available)
        })
    });
    futures::future::try_join_all(writes).await.unwrap();
    assert!(began.elapsed() >= DEADLINE, "the line was not dead");
    assert!(
        began.elapsed() < Duration::from_secs(15),
        "{:?}",
        began.elapsed()
    );
    let row = t.db.volume(&id, Read::Live).await.unwrap();
    assert_eq!(row.status.as_deref(), Some("available"));
}

async fn a_stalled_line_is_noticed_in_time_and_used_again(t: TestDb) {
    let id = t.volume("p", "ctl@xio#a", 1, "creating").await;
    let (relay, db) = behind_relay(&t).await;
    fill(&db, &id).await;
    relay.stall();
    let began = Instant::now();
    for _ in 0..POOL + 1 {
        let error = db.volume(&id, Read::Live).await.unwrap_err();
        assert!(matches!(error, DbError::Unavailable { .. }), "{error:?}");
    }
    assert!(
        began.elapsed() < DEADLINE * 2 * (POOL + 1),
        "{:?}",
        began.elapsed()
    );
    relay.restore();
    let row = timeout(
        Duration::from_secs(20),
        db.until_available(Duration::from_secs(20), || db.volume(&id, Read::Live)),
    );
    assert_eq!(row.await.unwrap().unwrap().id, id);
}

/// Longer than the time limit of one try.
const LOCKED_FOR: Duration = Duration::from_secs(17);

async fn a_row_locked_for_long_is_no_outage(t: TestDb) {
    let id = t.volume("p", "ctl@xio#a", 1, "creating").await;
    let other = t.raw.begin().await.unwrap();
    let touch = format!("UPDATE volumes SET size = 2 WHERE id = '{id}'");
    other.execute_unprepared(&touch).await.unwrap();
    let began = Instant::now();
    let available = VolumeChanges::new().status("available");
    let release = async {
        tokio::time::sleep(LOCKED_FOR).await; // how long somebody holds the row
        other.commit().await.unwrap();
    };
    let (updated, ()) = tokio::join!(t.db.update_volume(&id, &available), release);
    updated.unwrap();
    assert!(began.elapsed() >= LOCKED_FOR);
    let row = t.db.volume(&id, Read::Live).await.unwrap();
    assert_eq!(
        (row.status.as_deref(), row.size),
        (Some("available"), Some(2))
    );
}

/// One test for each engine that has a server.
macro_rules! on_every_server {
    ($($name:ident),* $(,)?) => {
        $(mod $name {
            use cinder_volume_xtremio::config::Engine;
            use crate::support::database::TestDb;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn mariadb() {
                super::$name(TestDb::new(Engine::MySql).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name(TestDb::new(Engine::Postgres).await).await;
            }
        })*
    };
}

on_every_server!(
    connections_that_died_silently_are_replaced,
    a_stalled_line_is_noticed_in_time_and_used_again,
    a_row_locked_for_long_is_no_outage,
);
