//! `[database]`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;

use super::database_url;
use super::option::Opt;
use super::reader::Reader;

/// The database engine a connection URL names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// `mysql`, `mysql+pymysql`, `mariadb+...`
    MySql,
    /// `postgresql`, `postgresql+psycopg2`
    Postgres,
    /// `sqlite`
    Sqlite,
}

/// Options of `[database]`.
#[derive(Debug, Clone)]
pub struct DatabaseOptions {
    /// The engine of `connection`.
    pub engine: Engine,
    /// `connection` as sqlx takes it: no `+driver` part, SQLAlchemy's query options removed.
    pub url: SecretString,
    /// `ssl_ca` of the URL's query: verify the server with this CA file.
    pub ssl_ca: Option<PathBuf>,
    /// `ssl_cert` of the URL's query.
    pub ssl_cert: Option<PathBuf>,
    /// `ssl_key` of the URL's query.
    pub ssl_key: Option<PathBuf>,
    /// `max_pool_size` (default 5) plus `max_overflow` (default 50): connections at most.
    pub max_connections: u32,
    /// `connection_recycle_time` (default 3600 s): a connection is not kept longer.
    pub recycle_time: Duration,
    /// `mysql_sql_mode` (default TRADITIONAL).
    pub mysql_sql_mode: String,
}

/// Connections at most when `max_pool_size` 0 or `max_overflow` -1 ask for no limit.
const UNLIMITED: u32 = 1000;

/// Seconds that stand for `connection_recycle_time` -1: ten years.
const NEVER: u64 = 315_360_000;

/// `connection` and its names in older releases.
const CONNECTION: Opt<'_> = Opt::new("database", "connection")
    .old(&[
        ("DEFAULT", "sql_connection"),
        ("DATABASE", "sql_connection"),
        ("sql", "connection"),
    ])
    .secret();

/// Reads the section; `None` when a fault leaves no URL.
pub(super) fn read(
    r: &mut Reader<'_>,
    standalone: bool,
    state_path: &Path,
) -> Option<DatabaseOptions> {
    let pool = Opt::new("database", "max_pool_size").old(&[
        ("DEFAULT", "sql_max_pool_size"),
        ("DATABASE", "sql_max_pool_size"),
    ]);
    let overflow = Opt::new("database", "max_overflow").old(&[
        ("DEFAULT", "sql_max_overflow"),
        ("DATABASE", "sqlalchemy_max_overflow"),
    ]);
    let recycle = Opt::new("database", "connection_recycle_time").old(&[
        ("database", "idle_timeout"),
        ("DATABASE", "sql_idle_timeout"),
        ("DEFAULT", "sql_idle_timeout"),
        ("sql", "idle_timeout"),
    ]);
    let pool = r.integer(&pool, 5, 0..=10_000);
    let overflow = r.integer(&overflow, 50, -1..=10_000);
    let recycle = r.integer(&recycle, 3600, -1..=i64::from(u32::MAX));
    let mysql_sql_mode = r.text_or(&Opt::new("database", "mysql_sql_mode"), "TRADITIONAL");

    let (text, origin) = match r.filled(&CONNECTION) {
        Some((text, origin)) => (text, Some(origin)),
        None if standalone => {
            let file = state_path.join("cinder.sqlite");
            (format!("sqlite:///{}", file.display()), None)
        }
        None => {
            // A faulty value is reported already; only say "missing" when nothing is there.
            if r.origin(&CONNECTION).is_none() || r.text(&CONNECTION).is_some() {
                let allowed = "the URL of Cinder's database, as cinder-api has it (--standalone works without)";
                r.fault(&CONNECTION, None, "is not set", allowed);
            }
            return None;
        }
    };
    let parsed = match database_url::parse(&text, standalone) {
        Ok(parsed) => parsed,
        Err(error) => {
            let allowed =
                "mysql+pymysql://USER:PASSWORD@HOST/cinder, postgresql://..., sqlite:////PATH";
            r.fault(&CONNECTION, origin.as_ref(), error.to_string(), allowed);
            return None;
        }
    };
    for name in &parsed.ignored {
        r.warn(format!(
            "[database] connection: the query option {name:?} has no effect here"
        ));
    }
    for file in [&parsed.ssl_ca, &parsed.ssl_cert, &parsed.ssl_key]
        .into_iter()
        .flatten()
    {
        r.check_file(&CONNECTION, origin.as_ref(), file);
    }
    Some(DatabaseOptions {
        engine: parsed.engine,
        url: parsed.url,
        ssl_ca: parsed.ssl_ca,
        ssl_cert: parsed.ssl_cert,
        ssl_key: parsed.ssl_key,
        max_connections: match (pool, overflow) {
            (0, _) | (_, -1) => UNLIMITED,
            _ => u32::try_from(pool + overflow).unwrap_or(UNLIMITED),
        },
        recycle_time: Duration::from_secs(u64::try_from(recycle).unwrap_or(NEVER)),
        mysql_sql_mode,
    })
}
