//! A fresh Cinder database for one test, on any of the three engines.

use std::path::PathBuf;
use std::time::Duration;

use cinder_volume_xtremio::config::{DatabaseOptions, Engine};
use cinder_volume_xtremio::db::Db;
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement,
};
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

const MYSQL: &str = include_str!("../data/cinder-schema/mysql-9c74c1c6971f.sql");
const MYSQL_21: &str = include_str!("../data/cinder-schema/mysql-c92a3e68beed.sql");
const POSTGRES: &str = include_str!("../data/cinder-schema/postgresql-9c74c1c6971f.sql");
const SQLITE: &str = include_str!("../data/cinder-schema/sqlite-9c74c1c6971f.sql");
const SQLITE_21: &str = include_str!("../data/cinder-schema/sqlite-c92a3e68beed.sql");

/// A database of its own with Cinder's real schema; dropped with the value.
pub(crate) struct TestDb {
    /// The production handle.
    pub(crate) db: Db,
    /// The options that made it, for more handles.
    pub(crate) options: DatabaseOptions,
    /// A plain connection for the test's own statements.
    pub(crate) raw: DatabaseConnection,
    engine: Engine,
    cleanup: Cleanup,
}

enum Cleanup {
    Server { url: String, name: String },
    File(PathBuf),
}

impl TestDb {
    /// The schema of releases 24 to 29.
    pub(crate) async fn new(engine: Engine) -> Self {
        let script = match engine {
            Engine::MySql => MYSQL,
            Engine::Postgres => POSTGRES,
            Engine::Sqlite => SQLITE,
        };
        Self::with(engine, script).await
    }

    /// The schema of release 21; MySQL and SQLite only.
    pub(crate) async fn release_21(engine: Engine) -> Self {
        let script = match engine {
            Engine::MySql => MYSQL_21,
            Engine::Sqlite => SQLITE_21,
            Engine::Postgres => panic!("no dump of release 21 for PostgreSQL"),
        };
        Self::with(engine, script).await
    }

    async fn with(engine: Engine, script: &str) -> Self {
        let name = format!("cvx_{}", Uuid::new_v4().simple());
        let (url, cleanup) = match engine {
            Engine::Sqlite => {
                let path = std::env::temp_dir().join(format!("{name}.sqlite"));
                let url = format!("sqlite://{}?mode=rwc", path.display());
                (url, Cleanup::File(path))
            }
            Engine::MySql | Engine::Postgres => {
                let server = server(engine);
                let admin = Database::connect(&server).await.expect("test server");
                let create = match engine {
                    Engine::MySql => format!("CREATE DATABASE {name} CHARACTER SET utf8mb3"),
                    _ => format!("CREATE DATABASE {name}"),
                };
                admin.execute_unprepared(&create).await.expect("create");
                admin.close().await.expect("close");
                let url = format!("{}/{name}", server.trim_end_matches("/postgres"));
                (url, Cleanup::Server { url: server, name })
            }
        };
        let loader = Database::connect(&url).await.expect("test database");
        let script = match engine {
            Engine::MySql => format!("SET foreign_key_checks = 0;\n{script}"),
            // the dump is in alphabetical order, children before parents
            Engine::Sqlite => format!("PRAGMA foreign_keys = OFF;\n{script}"),
            Engine::Postgres => script.to_owned(),
        };
        loader.execute_unprepared(&script).await.expect("schema");
        loader.close().await.expect("close");
        let options = DatabaseOptions {
            engine,
            url: SecretString::from(url.clone()),
            ssl_ca: None,
            ssl_cert: None,
            ssl_key: None,
            max_connections: 25,
            recycle_time: Duration::from_secs(3600),
            mysql_sql_mode: "TRADITIONAL".to_owned(),
        };
        Self {
            db: Db::connect(&options).await.expect("connect"),
            raw: Database::connect(&url).await.expect("raw connection"),
            options,
            engine,
            cleanup,
        }
    }

    /// Ends every other session of this MariaDB database, through a connection that does not end
    /// itself.
    pub(crate) async fn kill_sessions(&self) {
        let mut options = ConnectOptions::new(self.options.url.expose_secret());
        options.max_connections(1);
        let only = Database::connect(options).await.expect("a connection");
        let others = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() \
                      AND id <> CONNECTION_ID()";
        let others = Statement::from_string(only.get_database_backend(), others);
        for row in only.query_all_raw(others).await.expect("sessions") {
            let id: i64 = row.try_get_by_index(0).expect("an id");
            // One that has gone meanwhile is no fault.
            let _ = only.execute_unprepared(&format!("KILL {id}")).await;
        }
    }

    /// TCP port of the server.
    pub(crate) fn port(&self) -> u16 {
        let url: reqwest::Url = self.options.url.expose_secret().parse().expect("a URL");
        url.port().expect("a server's port")
    }

    /// Runs one statement of the test; `\`` quotes names on every engine.
    pub(crate) async fn execute(&self, sql: &str) {
        let sql = self.quote(sql);
        self.raw.execute_unprepared(&sql).await.expect(&sql);
    }

    /// The first column of the first row as text; none for no row or NULL.
    pub(crate) async fn text(&self, expression: &str, rest: &str) -> Option<String> {
        let cast = match self.engine {
            Engine::MySql => "CHAR",
            _ => "VARCHAR",
        };
        let sql = self.quote(&format!("SELECT CAST({expression} AS {cast}) AS v {rest}"));
        let backend = match self.engine {
            Engine::MySql => DbBackend::MySql,
            Engine::Postgres => DbBackend::Postgres,
            Engine::Sqlite => DbBackend::Sqlite,
        };
        let row = self
            .raw
            .query_one_raw(Statement::from_string(backend, sql.clone()))
            .await
            .expect(&sql)?;
        row.try_get::<Option<String>>("", "v").expect(&sql)
    }

    /// A number, such as a count or a sum.
    pub(crate) async fn number(&self, expression: &str, rest: &str) -> i64 {
        let text = self.text(expression, rest).await.expect("a number");
        text.parse().expect("a number")
    }

    /// A live volume as the API and the scheduler leave it; returns its id.
    pub(crate) async fn volume(
        &self,
        project: &str,
        host: &str,
        size: i32,
        status: &str,
    ) -> String {
        let id = Uuid::new_v4().to_string();
        self.execute(&format!(
            "INSERT INTO volumes (created_at, deleted, id, project_id, user_id, host, size, status, \
             attach_status, volume_type_id, use_quota, bootable, multiattach) VALUES \
             ('2026-01-02 03:04:05', false, '{id}', '{project}', 'u1', '{host}', {size}, '{status}', \
             'detached', 'type-1', true, false, false)"
        ))
        .await;
        id
    }

    /// A live snapshot; returns its id.
    pub(crate) async fn snapshot(
        &self,
        project: &str,
        volume: &str,
        size: i32,
        status: &str,
    ) -> String {
        let id = Uuid::new_v4().to_string();
        self.execute(&format!(
            "INSERT INTO snapshots (created_at, deleted, id, project_id, volume_id, volume_size, \
             status, progress, volume_type_id, use_quota) VALUES ('2026-01-02 03:04:05', false, \
             '{id}', '{project}', '{volume}', {size}, '{status}', '0%', 'type-1', true)"
        ))
        .await;
        id
    }

    /// A live volume type.
    pub(crate) async fn volume_type(&self, id: &str, name: &str) {
        self.execute(&format!(
            "INSERT INTO volume_types (created_at, deleted, id, name, is_public) \
             VALUES ('2026-01-02 03:04:05', false, '{id}', '{name}', true)"
        ))
        .await;
    }

    /// A project's limit.
    pub(crate) async fn quota(&self, project: &str, resource: &str, limit: i32) {
        self.execute(&format!(
            "INSERT INTO quotas (created_at, deleted, project_id, resource, hard_limit) \
             VALUES ('2026-01-02 03:04:05', false, '{project}', '{resource}', {limit})"
        ))
        .await;
    }

    /// `in_use` and `reserved` of a live usage row.
    pub(crate) async fn usage(&self, project: &str, resource: &str) -> Option<(i64, i64)> {
        let rest = format!(
            "FROM quota_usages WHERE deleted = false AND project_id = '{project}' \
             AND resource = '{resource}'"
        );
        let in_use = self.text("in_use", &rest).await?;
        let reserved = self.text("reserved", &rest).await?;
        Some((in_use.parse().ok()?, reserved.parse().ok()?))
    }

    fn quote(&self, sql: &str) -> String {
        match self.engine {
            Engine::Postgres => sql.replace('`', "\""),
            Engine::MySql | Engine::Sqlite => sql.to_owned(),
        }
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        match &self.cleanup {
            Cleanup::File(path) => {
                for suffix in ["", "-wal", "-shm"] {
                    let mut name = path.clone().into_os_string();
                    name.push(suffix);
                    // the side files exist only while a connection is open
                    let _ = std::fs::remove_file(name);
                }
            }
            Cleanup::Server { url, name } => {
                let force = match self.engine {
                    Engine::Postgres => " WITH (FORCE)",
                    _ => "",
                };
                let (url, drop) = (url.clone(), format!("DROP DATABASE {name}{force}"));
                // Drop is not async, and the test's runtime may be busy with this very thread.
                let dropper = std::thread::spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .enable_all()
                        .build()
                        .expect("runtime");
                    runtime.block_on(async {
                        let admin = Database::connect(&url).await.expect("test server");
                        admin
                            .execute_unprepared(&drop)
                            .await
                            .expect("drop database");
                    });
                });
                let done = dropper.join();
                if !std::thread::panicking() {
                    done.expect("the test database is dropped");
                }
            }
        }
    }
}

/// The server's URL; a server that is not there fails the test.
fn server(engine: Engine) -> String {
    let (variable, database) = match engine {
        Engine::MySql => ("CVX_MARIADB", ""),
        Engine::Postgres => ("CVX_POSTGRES", "/postgres"),
        Engine::Sqlite => unreachable!("SQLite has no server"),
    };
    let url = std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: run the tests with `make test`"));
    format!("{}{database}", url.trim_end_matches('/'))
}
