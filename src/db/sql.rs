//! Small pieces every subject uses.

use chrono::NaiveDateTime;
use sea_orm::sea_query::{ExprTrait, Query};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, Value};

use super::Db;
use super::error::Result;
use crate::config::Engine;

pub(super) use sea_orm::sea_query::Expr;

impl Db {
    /// A time as the engine stores it. SQLite keeps text and compares it as text, so it must
    /// have the six digits SQLAlchemy writes.
    pub(super) fn time(&self, time: NaiveDateTime) -> Value {
        time_value(self.engine, Some(time))
    }
}

/// See [`Db::time`].
pub(super) fn time_value(engine: Engine, time: Option<NaiveDateTime>) -> Value {
    match engine {
        Engine::Sqlite => time
            .map(|t| t.format("%Y-%m-%d %H:%M:%S%.6f").to_string())
            .into(),
        Engine::MySql | Engine::Postgres => time.into(),
    }
}

/// `deleted = false`, the condition of nearly every statement.
pub(super) fn live(deleted: impl ColumnTrait) -> Condition {
    Condition::all().add(deleted.eq(false))
}

/// `column = NULL-aware value`.
pub(super) fn equals(column: impl ColumnTrait, value: Option<impl Into<Value>>) -> Expr {
    match value {
        Some(value) => column.eq(value),
        None => column.is_null(),
    }
}

/// Inserts one row.
pub(super) async fn insert_row<E: EntityTrait>(
    conn: &impl ConnectionTrait,
    entity: E,
    row: Vec<(E::Column, Value)>,
) -> Result<()> {
    let (columns, values): (Vec<_>, Vec<_>) = row
        .into_iter()
        .map(|(column, value)| (column, Expr::val(value)))
        .unzip();
    let insert = Query::insert()
        .into_table(entity)
        .columns(columns)
        .values_panic(values)
        .to_owned();
    conn.execute(&insert).await?;
    Ok(())
}

/// `CAST(expr AS integer)`: MySQL's SUM is a decimal, which has no Rust type here.
pub(super) fn as_integer(engine: Engine, expr: impl Into<Expr>) -> Expr {
    let name = match engine {
        Engine::MySql => "SIGNED",
        Engine::Postgres => "BIGINT",
        Engine::Sqlite => "INTEGER",
    };
    expr.into().cast_as(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn sqlite_times_have_six_digits_whatever_they_are() {
        let time = chrono::NaiveDate::from_ymd_opt(2026, 1, 2)
            .and_then(|d| d.and_hms_micro_opt(3, 4, 5, 120_000))
            .unwrap();
        assert_eq!(
            time_value(Engine::Sqlite, Some(time)),
            Value::from("2026-01-02 03:04:05.120000")
        );
        assert_eq!(time_value(Engine::MySql, Some(time)), Value::from(time));
    }
}
