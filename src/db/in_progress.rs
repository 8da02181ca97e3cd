//! Rows of a host that stand in an in-progress state for long: what start-up clean-up looks at.

use chrono::NaiveDateTime;
use sea_orm::sea_query::{ExprTrait, Func};
use sea_orm::{ColumnTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect};

use super::Db;
use super::entity::{group_snapshots, groups, snapshots, volumes};
use super::error::Result;
use super::host_filter::host_matches;
use super::snapshots::to_volumes;
use super::sql::{Expr, live, time_value};

/// A row in an in-progress state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InProgress {
    /// Id of the row.
    pub id: String,
    /// The state.
    pub status: String,
}

/// Live rows of a table in one of the states that nobody touched since `until`.
macro_rules! stale {
    ($db:expr, $query:expr, $table:ident, $column:ident, $states:expr, $until:expr) => {{
        let states: &[&str] = $states;
        let touched = Func::coalesce([
            Expr::col(($table::Entity, $table::Column::UpdatedAt)),
            Expr::col(($table::Entity, $table::Column::CreatedAt)),
        ]);
        let until = time_value($db.engine, Some($until));
        let rows: Vec<(String, Option<String>)> = $query
            .select_only()
            .column($table::Column::Id)
            .column($table::Column::$column)
            .filter(live($table::Column::Deleted))
            .filter($table::Column::$column.is_in(states.iter().copied()))
            .filter(Expr::expr(touched).lte(Expr::val(until)))
            .order_by_asc($table::Column::Id)
            .into_tuple()
            .all(&$db.conn())
            .await?;
        rows.into_iter()
            .filter_map(|(id, status)| {
                Some(InProgress {
                    id,
                    status: status?,
                })
            })
            .collect()
    }};
}

impl Db {
    /// Volumes of a host by `volumes.status`.
    pub async fn stale_volumes(
        &self,
        host: &str,
        states: &[&str],
        until: NaiveDateTime,
    ) -> Result<Vec<InProgress>> {
        self.attempt(|| async {
            let ours = host_matches(self.engine, volumes::Column::Host, host);
            let query = volumes::Entity::find().filter(ours);
            Ok(stale!(self, query, volumes, Status, states, until))
        })
        .await
    }

    /// Volumes of a host by `volumes.migration_status`.
    pub async fn stale_migrations(
        &self,
        host: &str,
        states: &[&str],
        until: NaiveDateTime,
    ) -> Result<Vec<InProgress>> {
        self.attempt(|| async {
            let ours = host_matches(self.engine, volumes::Column::Host, host);
            let query = volumes::Entity::find().filter(ours);
            Ok(stale!(self, query, volumes, MigrationStatus, states, until))
        })
        .await
    }

    /// Snapshots whose volume is on the host, by `snapshots.status`.
    pub async fn stale_snapshots(
        &self,
        host: &str,
        states: &[&str],
        until: NaiveDateTime,
    ) -> Result<Vec<InProgress>> {
        self.attempt(|| async {
            let query = snapshots::Entity::find()
                .join(JoinType::InnerJoin, to_volumes())
                .filter(host_matches(self.engine, volumes::Column::Host, host));
            Ok(stale!(self, query, snapshots, Status, states, until))
        })
        .await
    }

    /// Groups of a host by `groups.status`.
    pub async fn stale_groups(
        &self,
        host: &str,
        states: &[&str],
        until: NaiveDateTime,
    ) -> Result<Vec<InProgress>> {
        self.attempt(|| async {
            let ours = host_matches(self.engine, groups::Column::Host, host);
            let query = groups::Entity::find().filter(ours);
            Ok(stale!(self, query, groups, Status, states, until))
        })
        .await
    }

    /// Group snapshots whose group is on the host, by `group_snapshots.status`.
    pub async fn stale_group_snapshots(
        &self,
        host: &str,
        states: &[&str],
        until: NaiveDateTime,
    ) -> Result<Vec<InProgress>> {
        self.attempt(|| async {
            let to_groups = group_snapshots::Entity::belongs_to(groups::Entity)
                .from(group_snapshots::Column::GroupId)
                .to(groups::Column::Id)
                .into();
            let query = group_snapshots::Entity::find()
                .join(JoinType::InnerJoin, to_groups)
                .filter(host_matches(self.engine, groups::Column::Host, host));
            Ok(stale!(self, query, group_snapshots, Status, states, until))
        })
        .await
    }
}
