//! SQLAlchemy's database URLs, and the same as sqlx takes them.

use std::path::PathBuf;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::SecretString;

use super::Engine;
use super::query;

/// Why a URL cannot be used. Holds no part of the URL, which may be a piece of the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseUrlError {
    /// No `DIALECT://` or `DIALECT+DRIVER://` at the start.
    #[error("is not a database URL: no dialect before ://")]
    NoDialect,
    /// A dialect that this program does not speak.
    #[error("names a database that is not supported")]
    Dialect,
    /// A port that is not a number from 1 to 65535.
    #[error("has a port that is not a number from 1 to 65535")]
    Port,
    /// `mysql` or `postgresql` without a database name.
    #[error("names no database")]
    NoDatabase,
    /// `sqlite://` without a file: every connection would see an empty database of its own.
    #[error("names no SQLite file")]
    NoFile,
    /// A query option whose effect cannot be had here.
    #[error("has the query option {0}, which cannot be honoured")]
    Query(&'static str),
}

/// A parsed URL. Debug shows no secret.
#[derive(Debug, Clone)]
pub struct DatabaseUrl {
    /// The engine.
    pub engine: Engine,
    /// The URL for sqlx.
    pub url: SecretString,
    /// Query option `ssl_ca` (PostgreSQL: `sslrootcert`).
    pub ssl_ca: Option<PathBuf>,
    /// Query option `ssl_cert` (PostgreSQL: `sslcert`).
    pub ssl_cert: Option<PathBuf>,
    /// Query option `ssl_key` (PostgreSQL: `sslkey`).
    pub ssl_key: Option<PathBuf>,
    /// Names of query options that have no effect here.
    pub ignored: Vec<String>,
}

/// Parses SQLAlchemy's form; `create` lets SQLite make the file.
///
/// # Errors
/// `DatabaseUrlError`.
pub fn parse(text: &str, create: bool) -> Result<DatabaseUrl, DatabaseUrlError> {
    let (name, rest) = text
        .trim()
        .split_once("://")
        .ok_or(DatabaseUrlError::NoDialect)?;
    let dialect = name.split('+').next().unwrap_or_default();
    match dialect {
        "mysql" | "mariadb" => server(Engine::MySql, rest),
        "postgresql" | "postgres" => server(Engine::Postgres, rest),
        "sqlite" => sqlite(rest, create),
        _ if name.is_empty()
            || !name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+_".contains(c)) =>
        {
            Err(DatabaseUrlError::NoDialect)
        }
        _ => Err(DatabaseUrlError::Dialect),
    }
}

/// `///rel` is a relative path, `////abs` an absolute one: one slash more than sqlx wants.
fn sqlite(rest: &str, create: bool) -> Result<DatabaseUrl, DatabaseUrlError> {
    let (path, options) = rest.split_once('?').unwrap_or((rest, ""));
    let file = path.strip_prefix('/').filter(|file| !file.is_empty());
    let file = query::unquote(file.ok_or(DatabaseUrlError::NoFile)?);
    if file == ":memory:" {
        return Err(DatabaseUrlError::NoFile);
    }
    let encoded: Vec<String> = file.split('/').map(encode).collect();
    let mode = if create { "?mode=rwc" } else { "" };
    Ok(DatabaseUrl {
        engine: Engine::Sqlite,
        url: SecretString::from(format!("sqlite://{}{mode}", encoded.join("/"))),
        ssl_ca: None,
        ssl_cert: None,
        ssl_key: None,
        ignored: query::pairs(options)
            .into_iter()
            .map(|(name, _)| name)
            .collect(),
    })
}

fn server(engine: Engine, rest: &str) -> Result<DatabaseUrl, DatabaseUrlError> {
    let (login, rest) = split_login(rest);
    let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
    let (address, database) = rest.split_once('/').unwrap_or((rest, ""));
    let database = query::unquote(database);
    if database.is_empty() {
        return Err(DatabaseUrlError::NoDatabase);
    }
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (address, ""),
    };
    if !port.is_empty() && port.parse::<u16>().map_or(true, |port| port == 0) {
        return Err(DatabaseUrlError::Port);
    }
    let host = if host.is_empty() { "localhost" } else { host };

    let mut out = DatabaseUrl {
        engine,
        url: SecretString::from(String::new()),
        ssl_ca: None,
        ssl_cert: None,
        ssl_key: None,
        ignored: Vec::new(),
    };
    let mut kept: Vec<(&str, String)> = Vec::new();
    for (name, value) in query::pairs(options) {
        match (engine, name.as_str()) {
            (Engine::MySql, "ssl_ca") | (Engine::Postgres, "sslrootcert") => {
                out.ssl_ca = Some(value.into())
            }
            (Engine::MySql, "ssl_cert") | (Engine::Postgres, "sslcert") => {
                out.ssl_cert = Some(value.into())
            }
            (Engine::MySql, "ssl_key") | (Engine::Postgres, "sslkey") => {
                out.ssl_key = Some(value.into())
            }
            (Engine::MySql, "unix_socket") => kept.push(("socket", value)),
            (Engine::MySql, "ssl_verify_identity" | "ssl_check_hostname") => {
                if super::convert::boolean(&value) == Some(true) {
                    kept.push(("ssl-mode", "VERIFY_IDENTITY".to_owned()));
                }
            }
            (Engine::MySql, "read_default_file") => {
                return Err(DatabaseUrlError::Query("read_default_file"));
            }
            (Engine::MySql, "charset") => {}
            (Engine::Postgres, "sslmode") => kept.push(("sslmode", value)),
            (Engine::Postgres, "host") => kept.push(("host", value)),
            _ => out.ignored.push(name),
        }
    }

    let scheme = if engine == Engine::MySql {
        "mysql"
    } else {
        "postgres"
    };
    let mut url = format!("{scheme}://");
    if let Some((user, password)) = login {
        url.push_str(&encode(&user));
        if let Some(password) = password {
            url.push(':');
            url.push_str(&encode(&password));
        }
        url.push('@');
    }
    url.push_str(host);
    if !port.is_empty() {
        url.push(':');
        url.push_str(port);
    }
    url.push('/');
    url.push_str(&encode(&database));
    for (index, (name, value)) in kept.iter().enumerate() {
        url.push(if index == 0 { '?' } else { '&' });
        url.push_str(&format!("{name}={}", encode(value)));
    }
    out.url = SecretString::from(url);
    Ok(out)
}

/// User and password, decoded: up to the last `@`, cut at the first `:`; the password may hold
/// `/`, `?`, `@` and `://` as they are (SQLAlchemy's rule), the user name no `/`.
fn split_login(rest: &str) -> (Option<(String, Option<String>)>, &str) {
    let Some((login, tail)) = rest.rsplit_once('@') else {
        return (None, rest);
    };
    let (user, password) = match login.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (login, None),
    };
    if user.contains('/') {
        return (None, rest);
    }
    (
        Some((query::unquote(user), password.map(query::unquote))),
        tail,
    )
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
