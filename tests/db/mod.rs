//! Tests of `db`: each runs on MariaDB, PostgreSQL and SQLite with Cinder's real schema.

mod attachments;
mod errors;
mod metadata;
mod new_rows;
mod outages;
mod quota;
mod quota_parity;
mod quota_races;
mod schema;
mod services;
mod volumes;
mod workers;

/// One test for each engine from one body.
macro_rules! on_every_engine {
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

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name(TestDb::new(Engine::Sqlite).await).await;
            }
        })*
    };
}
pub(crate) use on_every_engine;
