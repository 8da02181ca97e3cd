//! The schema in force: told, never changed.

use std::path::Path;

use sea_orm::{ConnectionTrait, EntityTrait};
use secrecy::SecretString;

use super::Db;
use super::entity::alembic_version;
use super::error::{DbError, Result};
use crate::config::{DatabaseOptions, Engine};

/// The tables of a database of our own, for `--standalone`.
const STANDALONE: &str = include_str!("standalone.sql");

/// An empty table by which a file of ours is known.
const MARKER: &str = "cinder_volume_xtremio_standalone";

/// Releases of Cinder by the migration they end with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    /// 21, Zed: `c92a3e68beed`.
    R21,
    /// 22, 2023.1: `daa98075b90d`.
    R22,
    /// 23, 2023.2: `89aa6f9639f9`.
    R23,
    /// 24 (2024.1) to 29 (2026.2): `9c74c1c6971f`.
    R24To29,
}

impl Release {
    /// The release a revision belongs to; one half way belongs to the release before. None
    /// for a revision this program does not know.
    pub fn of_revision(revision: &str) -> Option<Self> {
        match revision {
            "c92a3e68beed" => Some(Self::R21),
            "daa98075b90d" => Some(Self::R22),
            "89aa6f9639f9" | "b8660621f1b9" | "9ab1b092a404" | "b7b88f50aab5" => Some(Self::R23),
            "9c74c1c6971f" => Some(Self::R24To29),
            _ => None,
        }
    }
}

impl Db {
    /// `alembic_version.version_num`; none in a database that was never synced.
    pub async fn schema_revision(&self) -> Result<Option<String>> {
        self.attempt(|| async {
            let row = alembic_version::Entity::find().one(&self.conn()).await?;
            Ok(row.map(|row| row.version_num))
        })
        .await
    }
}

/// Opens the database file of `--standalone`, made with our tables if it is missing or empty.
///
/// A file that some other program made is refused and left as it is.
pub async fn create_standalone(path: &Path) -> Result<Db> {
    let Some(name) = path.to_str().filter(|name| !name.contains(['?', '#', '%'])) else {
        return Err(DbError::Config(format!("no usable name: {path:?}")));
    };
    let options = DatabaseOptions {
        engine: Engine::Sqlite,
        url: SecretString::from(format!("sqlite://{name}?mode=rwc")),
        ssl_ca: None,
        ssl_cert: None,
        ssl_key: None,
        max_connections: 8,
        recycle_time: std::time::Duration::from_secs(3600),
        mysql_sql_mode: String::new(),
    };
    let db = Db::connect(&options).await?;
    let txn = db.begin().await?;
    let rows = txn
        .query_all_raw(sea_orm::Statement::from_string(
            sea_orm::DbBackend::Sqlite,
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
        ))
        .await?;
    let mut tables = Vec::with_capacity(rows.len());
    for row in rows {
        tables.push(row.try_get_by_index::<String>(0)?);
    }
    if tables.is_empty() {
        txn.execute_unprepared(STANDALONE).await?;
        txn.commit().await?;
        return Ok(db);
    }
    if !tables.iter().any(|table| table == MARKER) {
        return Err(DbError::Config(format!(
            "{name} is a database of something else and is left alone"
        )));
    }
    txn.commit().await?;
    Ok(db)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_tell_the_release() {
        assert_eq!(Release::of_revision("c92a3e68beed"), Some(Release::R21));
        assert_eq!(Release::of_revision("9c74c1c6971f"), Some(Release::R24To29));
        assert_eq!(Release::of_revision("000000000000"), None);
        assert!(Release::R21 < Release::R24To29);
    }
}
