//! Sessions: what each engine must be told before its first statement.

use std::time::Duration;

use sea_orm::ConnectOptions;
use sea_orm::sqlx::mysql::MySqlSslMode;
use sea_orm::sqlx::postgres::PgSslMode;
use sea_orm::sqlx::sqlite::SqliteJournalMode;
use sea_orm::sqlx::{AssertSqlSafe, Executor};
use secrecy::ExposeSecret;

use super::error::{DbError, Result};
use super::pool::Pool;
use super::{CALL_DEADLINE, Db};
use crate::config::{DatabaseOptions, Engine};

/// Longest wait for a connection: a free one of the pool, or a new one.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection that was idle this long is pinged before use.
const PING_AFTER_IDLE: Duration = Duration::from_secs(5);
/// Connections without work are closed after so long.
const IDLE: Duration = Duration::from_secs(30);
/// How long a server waits for a row that somebody else has locked: then the call is repeated
/// in a new transaction. Shorter than a call's deadline, which takes the server for away.
const LOCK_WAIT_SECONDS: u32 = 10;
/// How long a server keeps a session of ours that says nothing, and with it the rows that it
/// has locked: a line may die in the middle of a transaction without the server noticing.
const SILENT_SECONDS: u32 = 45;
/// How long SQLite waits for another writer.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

impl Db {
    /// Prepares the pool; connections are opened by the calls that need them.
    ///
    /// Fails only for options that can never work, so a service can start while its database
    /// is away ([`Db::ping`] tells).
    pub async fn connect(options: &DatabaseOptions) -> Result<Self> {
        let mut connect = ConnectOptions::new(options.url.expose_secret());
        connect
            .connect_lazy(true)
            .max_connections(options.max_connections)
            .min_connections(0)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .max_lifetime(options.recycle_time)
            .idle_timeout(IDLE)
            .test_before_acquire_if_idle_for(PING_AFTER_IDLE)
            .record_stmt_in_spans(false)
            .sqlx_logging(false);
        match options.engine {
            Engine::MySql => mysql(&mut connect, options)?,
            Engine::Postgres => postgres(&mut connect, options),
            Engine::Sqlite => {
                connect.map_sqlx_sqlite_opts(|o| {
                    // SQLAlchemy leaves foreign keys off; WAL lets readers pass a writer.
                    o.foreign_keys(false)
                        .journal_mode(SqliteJournalMode::Wal)
                        .busy_timeout(BUSY_TIMEOUT)
                });
            }
        }
        Ok(Self {
            pool: Pool::new(connect, options.engine).await?,
            engine: options.engine,
            deadline: CALL_DEADLINE,
        })
    }
}

fn mysql(connect: &mut ConnectOptions, options: &DatabaseOptions) -> Result<()> {
    let tls = options.clone();
    connect.map_sqlx_mysql_opts(move |mut o| {
        // The time zone stays +00:00, sqlx's default; sql_mode is set below as a whole.
        o = o.pipes_as_concat(false).no_engine_substitution(false);
        if let Some(ca) = &tls.ssl_ca {
            o = o.ssl_ca(ca).ssl_mode(MySqlSslMode::VerifyIdentity);
        }
        if let Some(cert) = &tls.ssl_cert {
            o = o.ssl_client_cert(cert);
        }
        if let Some(key) = &tls.ssl_key {
            o = o.ssl_client_key(key);
        }
        o
    });
    let mode = &options.mysql_sql_mode;
    if !mode
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "_, ".contains(c))
    {
        return Err(DbError::Config(format!("mysql_sql_mode: {mode:?}")));
    }
    let mut statement = format!(
        "SET SESSION wait_timeout = {SILENT_SECONDS}, innodb_lock_wait_timeout = {LOCK_WAIT_SECONDS}"
    );
    if !mode.is_empty() {
        statement.push_str(&format!(", sql_mode = '{mode}'"));
    }
    connect.map_sqlx_mysql_pool_opts(move |pool| {
        let statement = statement.clone();
        pool.after_connect(move |conn, _| {
            let statement = statement.clone();
            Box::pin(async move {
                conn.execute(AssertSqlSafe(statement)).await?;
                Ok(())
            })
        })
    });
    Ok(())
}

fn postgres(connect: &mut ConnectOptions, options: &DatabaseOptions) {
    let tls = options.clone();
    connect.map_sqlx_postgres_opts(move |mut o| {
        o = o.application_name("cinder-volume-xtremio");
        if let Some(ca) = &tls.ssl_ca {
            o = o.ssl_root_cert(ca).ssl_mode(PgSslMode::VerifyFull);
        }
        if let Some(cert) = &tls.ssl_cert {
            o = o.ssl_client_cert(cert);
        }
        if let Some(key) = &tls.ssl_key {
            o = o.ssl_client_key(key);
        }
        o
    });
    connect.map_sqlx_postgres_pool_opts(move |pool| {
        pool.after_connect(move |conn, _| {
            Box::pin(async move {
                let statement = format!(
                    "SELECT set_config('lock_timeout', '{LOCK_WAIT_SECONDS}s', false), \
                     set_config('idle_in_transaction_session_timeout', '{SILENT_SECONDS}s', false)"
                );
                conn.execute(AssertSqlSafe(statement)).await?;
                Ok(())
            })
        })
    });
}
