//! Table `volume_attachment`.

use chrono::NaiveDateTime;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, UpdateMany,
};

use super::changes::{Change, setters};
use super::entity::volume_attachment::{Column, Entity, Model};
use super::entity::{volume_admin_metadata, volumes};
use super::error::{DbError, Result};
use super::secret::SecretText;
use super::sql::{Expr, live};
use super::{Db, now};

/// What is left after [`Db::detach`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetachResult {
    /// Whether the attachment was there.
    pub found: bool,
    /// The volume as it is now.
    pub volume: volumes::Model,
}

/// Changes of an attachment row; only what is set is written.
#[derive(Clone, Default)]
pub struct AttachmentChanges {
    sets: Vec<(Column, Change)>,
}

impl AttachmentChanges {
    /// No change yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn set(mut self, column: Column, change: Change) -> Self {
        self.sets.push((column, change));
        self
    }

    /// The statement that writes them to live rows.
    pub(super) fn update(&self, db: &Db) -> UpdateMany<Entity> {
        let mut update = Entity::update_many();
        for (column, change) in &self.sets {
            update = update.col_expr(*column, Expr::val(change.value(db.engine)));
        }
        update
            .col_expr(Column::UpdatedAt, Expr::val(db.time(now())))
            .filter(live(Column::Deleted))
    }

    setters! {
        /// `attach_status`.
        attach_status(AttachStatus): word,
        /// `instance_uuid`.
        instance_uuid(InstanceUuid): text,
        /// `attached_host`.
        attached_host(AttachedHost): text,
        /// `mountpoint`.
        mountpoint(Mountpoint): text,
        /// `attach_mode`.
        attach_mode(AttachMode): text,
        /// `attach_time`, UTC.
        attach_time(AttachTime): time,
        /// `connector`, JSON.
        connector(Connector): secret,
        /// `connection_info`, JSON.
        connection_info(ConnectionInfo): secret,
    }
}

impl std::fmt::Debug for AttachmentChanges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set()
            .entries(self.sets.iter().map(|(column, _)| column))
            .finish()
    }
}

impl Db {
    /// One live row.
    pub async fn attachment(&self, id: &str) -> Result<Model> {
        let found = self
            .attempt(|| async {
                Ok(Entity::find_by_id(id)
                    .filter(live(Column::Deleted))
                    .one(&self.conn())
                    .await?)
            })
            .await?;
        found.ok_or_else(|| DbError::not_found("volume_attachment", id))
    }

    /// Writes changes to a live row.
    pub async fn update_attachment(&self, id: &str, changes: &AttachmentChanges) -> Result<()> {
        let matched = self
            .attempt(|| async {
                let done = changes
                    .update(self)
                    .filter(Column::Id.eq(id))
                    .exec(&self.conn())
                    .await?;
                Ok(done.rows_affected)
            })
            .await?;
        if matched == 0 {
            return Err(DbError::not_found("volume_attachment", id));
        }
        Ok(())
    }

    /// Attachments of a volume that are neither deleted nor detached.
    pub async fn attachments_of_volume(&self, volume_id: &str) -> Result<Vec<Model>> {
        self.attempt(|| async {
            Ok(Entity::find()
                .filter(live(Column::Deleted))
                .filter(Column::VolumeId.eq(volume_id))
                .filter(Column::AttachStatus.ne("detached"))
                .order_by_asc(Column::Id)
                .all(&self.conn())
                .await?)
        })
        .await
    }

    /// Ends an attachment (missing: tolerated) and gives the volume the state the remaining
    /// ones leave, all in one transaction with the volume's row locked.
    pub async fn detach(&self, volume_id: &str, attachment_id: &str) -> Result<DetachResult> {
        self.attempt(|| async {
            let txn = self.begin().await?;
            let volume = volumes::Entity::find_by_id(volume_id)
                .filter(live(volumes::Column::Deleted))
                .lock_exclusive()
                .one(&txn)
                .await?
                .ok_or_else(|| DbError::not_found("volumes", volume_id))?;
            let time = self.time(now());
            let ended = Entity::update_many()
                .col_expr(Column::AttachStatus, Expr::val("detached"))
                .col_expr(Column::DetachTime, Expr::val(time.clone()))
                .col_expr(Column::Deleted, Expr::val(true))
                .col_expr(Column::DeletedAt, Expr::val(time))
                .filter(live(Column::Deleted))
                .filter(Column::Id.eq(attachment_id))
                .exec(&txn)
                .await?
                .rows_affected;
            let remaining = remaining_status(&txn, volume_id).await?;
            let volume = write_volume(self, &txn, volume, remaining).await?;
            txn.commit().await?;
            Ok(DetachResult {
                found: ended > 0,
                volume,
            })
        })
        .await
    }
}

/// The word that stands for the attachments left: errors do not count.
async fn remaining_status(conn: &impl ConnectionTrait, volume_id: &str) -> Result<Option<String>> {
    let status: Option<Option<String>> = Entity::find()
        .select_only()
        .column(Column::AttachStatus)
        .filter(live(Column::Deleted))
        .filter(Column::VolumeId.eq(volume_id))
        .filter(Column::AttachStatus.not_like("error_%"))
        .order_by_asc(Column::AttachStatus)
        .limit(1)
        .into_tuple()
        .one(conn)
        .await?;
    Ok(status.flatten())
}

/// The rule of Cinder's finish-detach, in memory and in the row.
async fn write_volume(
    db: &Db,
    conn: &impl ConnectionTrait,
    mut volume: volumes::Model,
    remaining: Option<String>,
) -> Result<volumes::Model> {
    use volumes::{Column, Entity};
    let attach_status = remaining.unwrap_or_else(|| "detached".to_owned());
    let migration = volume.migration_status.as_deref().unwrap_or_default();
    let uploading = volume.status.as_deref() == Some("uploading");
    // the end of a migration or an upload writes the status itself
    let kept = attach_status == "detached"
        && !matches!(migration, "success" | "error")
        && (!migration.is_empty() || uploading);
    let mut update = Entity::update_many()
        .col_expr(Column::AttachStatus, Expr::val(attach_status.clone()))
        .col_expr(Column::UpdatedAt, Expr::val(db.time(now())));
    if !kept {
        let status = match attach_status.as_str() {
            "attached" => "in-use",
            "detached" => "available",
            other => other,
        };
        update = update.col_expr(Column::Status, Expr::val(status));
        volume.status = Some(status.to_owned());
    }
    update
        .filter(Column::Id.eq(volume.id.as_str()))
        .exec(conn)
        .await?;
    use volume_admin_metadata::{Column as Admin, Entity as AdminMetadata};
    AdminMetadata::update_many()
        .col_expr(Admin::Deleted, Expr::val(true))
        .col_expr(Admin::DeletedAt, Expr::val(db.time(now())))
        .filter(live(Admin::Deleted))
        .filter(Admin::VolumeId.eq(volume.id.as_str()))
        .filter(Admin::Key.eq("attached_mode"))
        .exec(conn)
        .await?;
    volume.attach_status = Some(attach_status);
    Ok(volume)
}
