//! Ends what is in progress: a row leaves a state it is expected in for another one, and the
//! rows that hang on it follow. A row in any other state is left alone, so that repeats and
//! late messages change nothing.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::entity::{backups, group_snapshots, groups, snapshots, volume_attachment, volumes};
use super::error::Result;
use super::sql::{Expr, live};
use super::{Db, now};

/// One column of the live rows that match: from one of these words to that one.
macro_rules! move_state {
    ($db:expr, $conn:expr, $table:ident, $column:ident, $filter:expr, $from:expr, $to:expr) => {{
        let from: &[&str] = $from;
        $table::Entity::update_many()
            .col_expr($table::Column::$column, Expr::val($to))
            .col_expr($table::Column::UpdatedAt, Expr::val($db.time(now())))
            .filter(live($table::Column::Deleted))
            .filter($filter)
            .filter($table::Column::$column.is_in(from.iter().copied()))
            .exec($conn)
            .await?
            .rows_affected
    }};
}

impl Db {
    /// `volume_attachment.attach_status`; true if it was in one of the states.
    pub async fn end_attachment(&self, id: &str, from: &[&str], to: &str) -> Result<bool> {
        self.attempt(|| async {
            let own = volume_attachment::Column::Id.eq(id);
            Ok(move_state!(
                self,
                &self.conn(),
                volume_attachment,
                AttachStatus,
                own,
                from,
                to
            ) > 0)
        })
        .await
    }

    /// `groups.status`, and `volumes.status` of its members in the same state.
    pub async fn end_group(&self, id: &str, from: &str, to: &str) -> Result<bool> {
        self.attempt(|| async {
            let txn = self.begin().await?;
            let own = groups::Column::Id.eq(id);
            let moved = move_state!(self, &txn, groups, Status, own, &[from], to) > 0;
            if moved {
                let members = volumes::Column::GroupId.eq(id);
                move_state!(self, &txn, volumes, Status, members, &[from], to);
            }
            txn.commit().await?;
            Ok(moved)
        })
        .await
    }

    /// `group_snapshots.status`, and `snapshots.status` of its members in the same state.
    pub async fn end_group_snapshot(&self, id: &str, from: &str, to: &str) -> Result<bool> {
        self.attempt(|| async {
            let txn = self.begin().await?;
            let own = group_snapshots::Column::Id.eq(id);
            let moved = move_state!(self, &txn, group_snapshots, Status, own, &[from], to) > 0;
            if moved {
                let members = snapshots::Column::GroupSnapshotId.eq(id);
                move_state!(self, &txn, snapshots, Status, members, &[from], to);
            }
            txn.commit().await?;
            Ok(moved)
        })
        .await
    }

    /// `replication_status` of a group and of its members in the same state.
    pub async fn end_group_replication(&self, id: &str, from: &str, to: &str) -> Result<bool> {
        self.attempt(|| async {
            let txn = self.begin().await?;
            let own = groups::Column::Id.eq(id);
            let moved = move_state!(self, &txn, groups, ReplicationStatus, own, &[from], to) > 0;
            if moved {
                let members = volumes::Column::GroupId.eq(id);
                move_state!(self, &txn, volumes, ReplicationStatus, members, &[from], to);
            }
            txn.commit().await?;
            Ok(moved)
        })
        .await
    }

    /// `backups.status` from `creating` to `error`, with the reason for the user.
    pub async fn end_backup(&self, id: &str, reason: &str) -> Result<bool> {
        self.attempt(|| async {
            let done = backups::Entity::update_many()
                .col_expr(backups::Column::Status, Expr::val("error"))
                .col_expr(backups::Column::FailReason, Expr::val(reason))
                .col_expr(backups::Column::UpdatedAt, Expr::val(self.time(now())))
                .filter(live(backups::Column::Deleted))
                .filter(backups::Column::Id.eq(id))
                .filter(backups::Column::Status.eq("creating"))
                .exec(&self.conn())
                .await?;
            Ok(done.rows_affected > 0)
        })
        .await
    }
}
