//! Which rows belong to a host string (`host`, `host@backend` or `host@backend#pool`).

use sea_orm::sea_query::{BinOper, ExprTrait, Func};
use sea_orm::{ColumnTrait, Condition};

use super::sql::Expr;
use crate::config::Engine;

/// Rows whose `column` is `host`, or something within it: pools of a backend, backends of a
/// host. MySQL must be told to mind the case. As in Cinder, `host` is not escaped for LIKE.
pub(super) fn host_matches(engine: Engine, column: impl ColumnTrait, host: &str) -> Condition {
    let mut any = Condition::any().add(compare(engine, column, BinOper::Equal, host.to_owned()));
    if !host.contains('#') {
        let within = format!("{host}#%");
        any = any.add(compare(engine, column, BinOper::Like, within));
        if !host.contains('@') {
            let within = format!("{host}@%");
            any = any.add(compare(engine, column, BinOper::Like, within));
        }
    }
    any
}

fn compare(engine: Engine, column: impl ColumnTrait, operator: BinOper, text: String) -> Expr {
    let text = match engine {
        Engine::MySql => Expr::from(Func::cust("BINARY").arg(Expr::val(text))),
        Engine::Postgres | Engine::Sqlite => Expr::val(text),
    };
    Expr::col((column.entity_name(), column)).binary(operator, text)
}

#[cfg(test)]
mod tests {
    use sea_orm::{EntityTrait, QueryFilter, QueryTrait};

    use super::*;
    use crate::db::entity::services::{Column, Entity};

    fn sql(engine: Engine, backend: sea_orm::DbBackend, host: &str) -> String {
        let query = Entity::find().filter(host_matches(engine, Column::Host, host));
        let sql = query.build(backend).to_string();
        sql.split_once(" WHERE ")
            .map(|(_, filter)| filter.to_owned())
            .unwrap_or_default()
    }

    #[test]
    fn the_filter_widens_with_a_shorter_host() {
        let mysql = |host| sql(Engine::MySql, sea_orm::DbBackend::MySql, host);
        assert_eq!(
            mysql("ctl@xio#pool"),
            "`services`.`host` = BINARY('ctl@xio#pool')"
        );
        assert_eq!(
            mysql("ctl@xio"),
            "`services`.`host` = BINARY('ctl@xio') OR `services`.`host` LIKE BINARY('ctl@xio#%')"
        );
        assert_eq!(
            mysql("ctl"),
            "`services`.`host` = BINARY('ctl') OR `services`.`host` LIKE BINARY('ctl#%') \
             OR `services`.`host` LIKE BINARY('ctl@%')"
        );
        assert_eq!(
            sql(Engine::Postgres, sea_orm::DbBackend::Postgres, "ctl@xio"),
            r#""services"."host" = 'ctl@xio' OR "services"."host" LIKE 'ctl@xio#%'"#
        );
    }
}
