//! Table `groups`.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::changes::{Change, setters};
use super::entity::groups::{Column, Entity, Model};
use super::error::{DbError, Result};
use super::sql::{Expr, live};
use super::{Db, now};

/// Changes of a group row; only what is set is written.
#[derive(Clone, Default)]
pub struct GroupChanges {
    sets: Vec<(Column, Change)>,
}

impl GroupChanges {
    /// No change yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn set(mut self, column: Column, change: Change) -> Self {
        self.sets.push((column, change));
        self
    }

    setters! {
        /// `status`.
        status(Status): word,
        /// `host`.
        host(Host): text,
        /// `replication_status`.
        replication_status(ReplicationStatus): text,
    }
}

impl std::fmt::Debug for GroupChanges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set()
            .entries(self.sets.iter().map(|(column, _)| column))
            .finish()
    }
}

impl Db {
    /// One live row.
    pub async fn group(&self, id: &str) -> Result<Model> {
        let found = self
            .attempt(|| async {
                Ok(Entity::find_by_id(id)
                    .filter(live(Column::Deleted))
                    .one(&self.conn())
                    .await?)
            })
            .await?;
        found.ok_or_else(|| DbError::not_found("groups", id))
    }

    /// Writes changes to a live row.
    pub async fn update_group(&self, id: &str, changes: &GroupChanges) -> Result<()> {
        let matched = self
            .attempt(|| async {
                let mut update = Entity::update_many();
                for (column, change) in &changes.sets {
                    update = update.col_expr(*column, Expr::val(change.value(self.engine)));
                }
                let done = update
                    .col_expr(Column::UpdatedAt, Expr::val(self.time(now())))
                    .filter(live(Column::Deleted))
                    .filter(Column::Id.eq(id))
                    .exec(&self.conn())
                    .await?;
                Ok(done.rows_affected)
            })
            .await?;
        if matched == 0 {
            return Err(DbError::not_found("groups", id));
        }
        Ok(())
    }
}
