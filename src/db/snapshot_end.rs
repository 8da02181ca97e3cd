//! The last step of a command on a snapshot: its row and its worker row change in one
//! transaction, as those of a volume do.

use super::Db;
use super::changes::SnapshotChanges;
use super::entity::workers::Model as Worker;
use super::error::{DbError, Result};
use super::snapshots::change_in;
use super::workers::finish_in;

impl Db {
    /// Writes the last changes of a live snapshot and removes the worker row, if it is still as
    /// it was claimed.
    ///
    /// # Errors
    /// [`DbError::NotFound`] when the snapshot is gone; then nothing is changed.
    pub async fn end_snapshot(
        &self,
        id: &str,
        changes: &SnapshotChanges,
        worker: Option<&Worker>,
    ) -> Result<()> {
        self.attempt(|| async {
            let txn = self.begin().await?;
            if !change_in(self, &txn, id, None, changes).await? {
                return Err(DbError::not_found("snapshots", id));
            }
            if let Some(worker) = worker {
                finish_in(&txn, worker).await?;
            }
            txn.commit().await?;
            Ok(())
        })
        .await
    }
}
