//! The two halves of an attach that change attachment and volume together.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::attachments::AttachmentChanges;
use super::changes::VolumeChanges;
use super::entity::volume_admin_metadata;
use super::entity::volume_attachment::{Column, Entity};
use super::error::{DbError, Result};
use super::sql::{Expr, insert_row, live};
use super::volume_end::change_in;
use super::{Db, now};

impl Db {
    /// Writes what an attach leaves in the attachment and in its volume, in one transaction. The
    /// attachment must be in one of the states `from`; false if it is in another.
    ///
    /// # Errors
    /// [`DbError::NotFound`] when attachment or volume is gone; then nothing is changed.
    pub async fn attach(
        &self,
        volume_id: &str,
        attachment_id: &str,
        from: &[&str],
        attachment: &AttachmentChanges,
        volume: &VolumeChanges,
    ) -> Result<bool> {
        self.attempt(|| async {
            let txn = self.begin().await?;
            let row = Entity::find_by_id(attachment_id)
                .filter(live(Column::Deleted))
                .one(&txn)
                .await?
                .ok_or_else(|| DbError::not_found("volume_attachment", attachment_id))?;
            if !row
                .attach_status
                .as_deref()
                .is_some_and(|s| from.contains(&s))
            {
                return Ok(false);
            }
            attachment
                .update(self)
                .filter(Column::Id.eq(attachment_id))
                .filter(Column::AttachStatus.is_in(from.iter().copied()))
                .exec(&txn)
                .await?;
            change_in(self, &txn, volume_id, volume).await?;
            txn.commit().await?;
            Ok(true)
        })
        .await
    }

    /// Makes the attachment of an attach that begins, `attaching`, and notes its mode with the
    /// volume. One that is there already is left as it is.
    pub async fn begin_attach(
        &self,
        volume_id: &str,
        attachment_id: &str,
        mode: Option<&str>,
    ) -> Result<()> {
        self.attempt(|| async {
            let txn = self.begin().await?;
            if Entity::find_by_id(attachment_id).one(&txn).await?.is_some() {
                return Ok(());
            }
            let row = vec![
                (Column::Id, attachment_id.into()),
                (Column::VolumeId, volume_id.into()),
                (Column::AttachStatus, "attaching".into()),
                (Column::CreatedAt, self.time(now())),
                (Column::Deleted, false.into()),
            ];
            insert_row(&txn, Entity, row).await?;
            self.note_mode(&txn, volume_id, mode).await?;
            txn.commit().await?;
            Ok(())
        })
        .await
    }

    /// `attached_mode` among the volume's admin metadata.
    async fn note_mode(
        &self,
        conn: &impl ConnectionTrait,
        volume_id: &str,
        mode: Option<&str>,
    ) -> Result<()> {
        use volume_admin_metadata::{Column as Admin, Entity as AdminMetadata};
        let changed = AdminMetadata::update_many()
            .col_expr(Admin::Value, Expr::val(mode))
            .col_expr(Admin::UpdatedAt, Expr::val(self.time(now())))
            .filter(live(Admin::Deleted))
            .filter(Admin::VolumeId.eq(volume_id))
            .filter(Admin::Key.eq("attached_mode"))
            .exec(conn)
            .await?
            .rows_affected;
        if changed > 0 {
            return Ok(());
        }
        let row = vec![
            (Admin::CreatedAt, self.time(now())),
            (Admin::Deleted, false.into()),
            (Admin::Key, "attached_mode".into()),
            (Admin::Value, mode.into()),
            (Admin::VolumeId, volume_id.into()),
        ];
        insert_row(conn, AdminMetadata, row).await
    }
}
