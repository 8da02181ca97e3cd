//! `[database] connection`: SQLAlchemy's form into sqlx's.

use std::path::Path;

use cinder_volume_xtremio::config::database_url::{DatabaseUrlError, parse};
use cinder_volume_xtremio::config::{ConfigError, Engine, Loaded};
use secrecy::ExposeSecret as _;

use super::{BASE, Files, base_and, faults};

/// Beside each what SQLAlchemy 2.0 `make_url` was seen to read.
#[test]
fn urls_become_what_sqlx_takes() {
    let rows = [
        // cinder, pa+ss, db
        (
            "mysql+pymysql://cinder:pa+ss@db/cinder?charset=utf8",
            "mysql://cinder:pa%2Bss@db/cinder",
        ),
        // p+q@/
        (
            "mysql+pymysql://c:p%2Bq%40%2F@db:3307/cinder",
            "mysql://c:p%2Bq%40%2F@db:3307/cinder",
        ),
        // a://b
        (
            "mysql://c:a://b@db/cinder",
            "mysql://c:a%3A%2F%2Fb@db/cinder",
        ),
        // a@b
        ("mysql://c:a@b@db/cinder", "mysql://c:a%40b@db/cinder"),
        // p/q, p?q, #x, "p w", p%x
        ("mysql://c:p/q@h/d", "mysql://c:p%2Fq@h/d"),
        ("mysql://c:p?q@h/d", "mysql://c:p%3Fq@h/d"),
        ("mysql://u:#x@h/d", "mysql://u:%23x@h/d"),
        ("mysql://c:p w@h/d", "mysql://c:p%20w@h/d"),
        ("mysql://c:p%25x@h/d%20e", "mysql://c:p%25x@h/d%20e"),
        (
            "mysql+pymysql://c:p@/cinder?unix_socket=/run/my.sock",
            "mysql://c:p@localhost/cinder?socket=%2Frun%2Fmy%2Esock",
        ),
        (
            "mariadb+pymysql://c:p@[::1]:3306/d",
            "mysql://c:p@[::1]:3306/d",
        ),
        ("mariadb+pymysql://c:p@[::1]/d", "mysql://c:p@[::1]/d"),
        ("mysql+pymysql://c@h/d", "mysql://c@h/d"),
        ("mysql+pymysql://h/d", "mysql://h/d"),
        (
            "mysql+pymysql://c:p@h/d?ssl_verify_identity=true",
            "mysql://c:p@h/d?ssl-mode=VERIFY%5FIDENTITY",
        ),
        (
            "postgresql+psycopg2://c:p@h/d?sslmode=require",
            "postgres://c:p@h/d?sslmode=require",
        ),
        (
            "postgresql://c:p@/d?host=/run/pg",
            "postgres://c:p@localhost/d?host=%2Frun%2Fpg",
        ),
        ("sqlite:////abs/pa th", "sqlite:///abs/pa%20th"),
        ("sqlite:///rel/x", "sqlite://rel/x"),
    ];
    for (url, sqlx) in rows {
        let parsed = parse(url, false).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(parsed.url.expose_secret(), sqlx, "{url}");
        assert!(parsed.ignored.is_empty(), "{url}");
    }
}

/// sqlx itself, not only our reading of its rules, gets the login right.
#[test]
fn sqlx_reads_the_urls_back() {
    use sea_orm::sqlx::mysql::MySqlConnectOptions;
    use sea_orm::sqlx::postgres::PgConnectOptions;
    use sea_orm::sqlx::sqlite::SqliteConnectOptions;

    let url = |text| parse(text, true).unwrap().url.expose_secret().to_owned();
    let mysql: MySqlConnectOptions = url("mysql+pymysql://ci+n:a@b:/?#%+c@db:3307/cin der")
        .parse()
        .unwrap();
    let seen = format!("{mysql:?}");
    for part in [
        "\"db\"",
        "3307",
        "\"ci+n\"",
        "\"a@b:/?#%+c\"",
        "\"cin der\"",
    ] {
        assert!(seen.contains(part), "{part} not in {seen}");
    }
    let postgres: PgConnectOptions = url("postgresql://c:p+q@[::1]:5433/d").parse().unwrap();
    assert_eq!((postgres.get_port(), postgres.get_username()), (5433, "c"));
    assert_eq!(postgres.get_database(), Some("d"));
    let sqlite: SqliteConnectOptions = url("sqlite:////tmp/a b/c.sqlite").parse().unwrap();
    assert_eq!(sqlite.get_filename(), Path::new("/tmp/a b/c.sqlite"));
}

#[test]
fn tls_files_leave_the_url() {
    let parsed = parse("mysql+pymysql://c:p@db/cinder?charset=utf8&ssl_ca=/a%20b&ssl_cert=/c&ssl_key=/k&read_timeout=3", false).unwrap();
    assert_eq!(parsed.url.expose_secret(), "mysql://c:p@db/cinder");
    assert_eq!(parsed.ssl_ca.as_deref(), Some(Path::new("/a b")));
    assert_eq!(parsed.ssl_cert.as_deref(), Some(Path::new("/c")));
    assert_eq!(parsed.ssl_key.as_deref(), Some(Path::new("/k")));
    assert_eq!(parsed.ignored, ["read_timeout"]);
}

#[test]
fn unusable_urls_say_why_and_nothing_else() {
    let rows = [
        ("foo", DatabaseUrlError::NoDialect),
        ("mysql:/x", DatabaseUrlError::NoDialect),
        ("oracle://u:s3cr3t@h/d", DatabaseUrlError::Dialect),
        ("s3cr3t p://x", DatabaseUrlError::NoDialect),
        ("mysql://c:s3cr3t@h", DatabaseUrlError::NoDatabase),
        ("mysql://c:s3cr3t@h:abc/d", DatabaseUrlError::Port),
        ("mysql://c:s3cr3t@h:0/d", DatabaseUrlError::Port),
        ("sqlite://", DatabaseUrlError::NoFile),
        ("sqlite:///:memory:", DatabaseUrlError::NoFile),
        (
            "mysql://c:s3cr3t@h/d?read_default_file=/x",
            DatabaseUrlError::Query("read_default_file"),
        ),
    ];
    for (url, error) in rows {
        assert_eq!(parse(url, false).err(), Some(error), "{url}");
        let text = base_and(&format!("[database]\nconnection = {url}"))
            .unwrap_err()
            .to_string();
        assert!(text.contains(&error.to_string()), "{url}: {text}");
        assert!(!text.contains("s3cr3t"), "{url}: {text}");
    }
}

fn database_of(section: &str) -> Result<Loaded, ConfigError> {
    let base = BASE.replace(
        "[database]\nconnection = mysql+pymysql://cinder:dbsecret@db/cinder\n",
        "",
    );
    assert_ne!(base, BASE);
    Files::with(&format!("{base}{section}")).load()
}

#[test]
fn old_names_and_defaults() {
    let loaded =
        database_of("[DEFAULT]\nsql_connection = postgresql://c:p@h/d\nsql_idle_timeout = 10")
            .unwrap();
    let database = &loaded.config.database;
    assert_eq!(database.engine, Engine::Postgres);
    assert_eq!(database.recycle_time.as_secs(), 10);
    assert_eq!(database.max_connections, 55);
    assert_eq!(database.mysql_sql_mode, "TRADITIONAL");
    let old = loaded
        .warnings
        .iter()
        .find(|w| w.contains("sql_connection"))
        .unwrap();
    assert!(
        old.ends_with("[DEFAULT] sql_connection is an old name, use [database] connection"),
        "{old}"
    );

    let loaded = base_and("[database]\nmax_pool_size = 0\nidle_timeout = -1").unwrap();
    assert_eq!(loaded.config.database.max_connections, 1000);
    assert!(loaded.config.database.recycle_time.as_secs() > 100_000_000);
    let loaded = base_and("[database]\nmax_pool_size = 2\nmax_overflow = 3").unwrap();
    assert_eq!(loaded.config.database.max_connections, 5);
}

#[test]
fn without_connection_only_standalone_starts() {
    assert_eq!(
        faults(database_of("")),
        ["[database] connection: is not set"]
    );
    assert_eq!(
        faults(database_of("[database]\nconnection =")),
        ["[database] connection: is not set"]
    );

    let base = BASE.replace(
        "[database]\nconnection = mysql+pymysql://cinder:dbsecret@db/cinder\n",
        "",
    );
    let mut files = Files::with(&format!("{base}[DEFAULT]\nstate_path = /tmp/state dir"));
    files.args.standalone = true;
    let database = files.load().unwrap().config.database;
    assert_eq!(database.engine, Engine::Sqlite);
    assert_eq!(
        database.url.expose_secret(),
        "sqlite:///tmp/state%20dir/cinder%2Esqlite?mode=rwc"
    );
}

#[test]
fn tls_files_must_be_readable() {
    let found = faults(base_and(
        "[database]\nconnection = mysql://c:p@h/d?ssl_ca=/no/such/ca.pem",
    ));
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("[database] connection: /no/such/ca.pem cannot be read"),
        "{found:?}"
    );
}
