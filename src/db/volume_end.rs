//! The last step of a command on a volume: its row, its quota and its worker row change in one
//! transaction, so that no death can leave one without the others.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::changes::VolumeChanges;
use super::entity::volumes::{Column, Entity};
use super::entity::workers::Model as Worker;
use super::error::{DbError, Result};
use super::quota::{commit_in, roll_back_in};
use super::sql::{Expr, live};
use super::volumes::destroy_in;
use super::workers::{WorkerOf, finish_in, free_in};
use super::{Db, now};

/// What ends with a command on a volume.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ending<'a> {
    /// Project whose quota the reservations belong to.
    pub project_id: &'a str,
    /// Reservations to settle; those that are gone have no effect.
    pub reservations: &'a [String],
    /// The worker row to remove, if it is still as it was claimed.
    pub worker: Option<&'a Worker>,
}

impl Db {
    /// Writes the last changes of a live volume, commits the reservations, and removes the
    /// worker row.
    ///
    /// # Errors
    /// [`DbError::NotFound`] when the volume is gone; then nothing is changed.
    pub async fn end_volume(
        &self,
        id: &str,
        changes: &VolumeChanges,
        ending: Ending<'_>,
    ) -> Result<()> {
        self.attempt(|| async {
            let txn = self.begin().await?;
            commit_in(self, &txn, ending.project_id, ending.reservations).await?;
            change_in(self, &txn, id, changes).await?;
            if let Some(worker) = ending.worker {
                finish_in(&txn, worker).await?;
            }
            txn.commit().await?;
            Ok(())
        })
        .await
    }

    /// As [`Self::end_volume`] for a command that failed: the reservations are rolled back.
    ///
    /// # Errors
    /// [`DbError::NotFound`] when the volume is gone; then nothing is changed.
    pub async fn fail_volume(
        &self,
        id: &str,
        changes: &VolumeChanges,
        ending: Ending<'_>,
    ) -> Result<()> {
        self.attempt(|| async {
            let txn = self.begin().await?;
            roll_back_in(self, &txn, ending.project_id, ending.reservations).await?;
            change_in(self, &txn, id, changes).await?;
            if let Some(worker) = ending.worker {
                finish_in(&txn, worker).await?;
            }
            txn.commit().await?;
            Ok(())
        })
        .await
    }

    /// The end of a delete: [`Self::destroy_volume`] with the commit of its reservations and
    /// the end of its worker row. False if the row was gone: a repeat changes nothing.
    pub async fn finish_delete(&self, id: &str, ending: Ending<'_>) -> Result<bool> {
        self.attempt(|| async {
            let txn = self.begin().await?;
            commit_in(self, &txn, ending.project_id, ending.reservations).await?;
            let destroyed = destroy_in(self, &txn, id).await?;
            if let Some(worker) = ending.worker {
                finish_in(&txn, worker).await?;
            }
            txn.commit().await?;
            Ok(destroyed)
        })
        .await
    }

    /// Gives a volume that was to be made here back to nobody: its row names no host, its
    /// worker row no service, for whichever host the scheduler chooses next.
    pub async fn unhost_volume(&self, id: &str, status: &str) -> Result<()> {
        let changes = VolumeChanges::new()
            .host(None)
            .status(status)
            .scheduled_at(Some(now()));
        let of = WorkerOf::Volume(id.to_owned());
        self.attempt(|| async {
            let txn = self.begin().await?;
            change_in(self, &txn, id, &changes).await?;
            free_in(self, &txn, &of, status).await?;
            txn.commit().await?;
            Ok(())
        })
        .await
    }
}

pub(super) async fn change_in(
    db: &Db,
    conn: &impl ConnectionTrait,
    id: &str,
    changes: &VolumeChanges,
) -> Result<()> {
    let mut update = Entity::update_many();
    for (column, value) in changes.assignments(db.engine) {
        update = update.col_expr(column, value);
    }
    let matched = update
        .col_expr(Column::UpdatedAt, Expr::val(db.time(now())))
        .filter(live(Column::Deleted))
        .filter(Column::Id.eq(id))
        .exec(conn)
        .await?
        .rows_affected;
    if matched == 0 {
        return Err(DbError::not_found("volumes", id));
    }
    Ok(())
}
