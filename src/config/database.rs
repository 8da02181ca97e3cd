//! `[database]`.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

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
