use std::time::{Duration, Instant};

use cinder_volume_xtremio::config::{DatabaseOptions, Engine};
use cinder_volume_xtremio::db::{Db, DbError, Read, VolumeChanges};
use secrecy::SecretString;

use crate::support::database::TestDb;

fn nobody_listens(engine: Engine, url: &str) -> DatabaseOptions {
    DatabaseOptions {
        engine,
        url: SecretString::from(url.to_owned()),
        ssl_ca: None,
        ssl_cert: None,
        ssl_key: None,
        max_connections: 2,
        recycle_time: Duration::from_secs(3600),
        mysql_sql_mode: "TRADITIONAL".to_owned(),
    }
}

#[tokio::test]
async fn a_database_that_is_away_is_told_soon_and_without_its_password() {
    let start = Instant::now();
    for (engine, url) in [
        (Engine::MySql, "mysql://cinder:hush-hush@127.0.0.1:1/cinder"),
        (
            Engine::Postgres,
            "postgres://cinder:hush-hush@127.0.0.1:1/cinder",
        ),
    ] {
        let db = Db::connect(&nobody_listens(engine, url)).await.unwrap();
        let error = db.volume("v1", Read::Live).await.unwrap_err();
        assert!(matches!(error, DbError::Unavailable { .. }), "{error:?}");
        assert!(error.is_transient());
        assert!(!format!("{error} {error:?} {db:?}").contains("hush-hush"));
    }
    assert!(start.elapsed() < Duration::from_secs(25));
}

#[tokio::test]
async fn too_long_text_is_refused_as_data() {
    for engine in [Engine::MySql, Engine::Postgres] {
        let t = TestDb::new(engine).await;
        let id = t.volume("p", "ctl@xio#a", 1, "available").await;
        let long = VolumeChanges::new().status("x".repeat(300));
        let error = t.db.update_volume(&id, &long).await.unwrap_err();
        assert!(matches!(error, DbError::Data(_)), "{error:?}");
        assert!(!error.is_transient());
    }
}

#[tokio::test]
async fn mysql_sessions_run_in_the_configured_mode_and_mind_the_case() {
    let t = TestDb::new(Engine::MySql).await;
    t.volume("p", "CTL@xio#a", 1, "available").await;
    assert!(t.db.volumes_of_host("ctl@xio").await.unwrap().is_empty());
    assert_eq!(t.db.volumes_of_host("CTL@xio").await.unwrap().len(), 1);
    let mut options = t.options.clone();
    options.mysql_sql_mode = "x'; DROP TABLE volumes".to_owned();
    let error = Db::connect(&options).await.unwrap_err();
    assert!(matches!(error, DbError::Config(_)), "{error:?}");
}

#[tokio::test]
async fn a_call_after_cut_connections_fails_for_a_passing_reason_at_most() {
    let t = TestDb::new(Engine::MySql).await;
    let id = t.volume("p", "ctl@xio#a", 1, "available").await;
    t.db.ping().await.unwrap();
    t.kill_sessions().await;
    let changes = VolumeChanges::new().status("in-use");
    let patience = Duration::from_secs(10);
    let done =
        t.db.until_available(patience, || t.db.update_volume(&id, &changes));
    done.await.unwrap();
    assert_eq!(
        t.text("status", "FROM volumes").await.as_deref(),
        Some("in-use")
    );

    let t = TestDb::new(Engine::Postgres).await;
    let id = t.volume("p", "ctl@xio#a", 1, "available").await;
    t.db.ping().await.unwrap();
    t.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .await;
    let done =
        t.db.until_available(patience, || t.db.update_volume(&id, &changes));
    done.await.unwrap();
    assert_eq!(
        t.text("status", "FROM volumes").await.as_deref(),
        Some("in-use")
    );
}
