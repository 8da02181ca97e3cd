//! Quota: reserve, then commit or roll back, with the same rows and lock order as Cinder's
//! API processes (usages before reservations), which work on them at the same time.

use std::collections::HashMap;
use std::time::Duration;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::entity::reservations::{Column, Entity, Model};
use super::entity::{quota_usages, volume_types};
use super::error::{DbError, OverUse, Result};
use super::quota_limits::{QuotaDefaults, limit};
use super::quota_usage::{create_usage, lock_usages, refresh_usage, write_usage};
use super::sql::{Expr, insert_row, live};
use super::{Db, now};

/// What a usage column can hold at most.
const MAX_USAGE: i64 = i32::MAX as i64;

/// The kinds of resources a volume host charges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ResourceKind {
    /// Number of volumes.
    Volumes,
    /// GiB of volumes and, unless configured otherwise, of snapshots.
    Gigabytes,
    /// Number of snapshots.
    Snapshots,
    /// Number of groups; has no form per type.
    Groups,
}

impl ResourceKind {
    /// The name without a type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Volumes => "volumes",
            Self::Gigabytes => "gigabytes",
            Self::Snapshots => "snapshots",
            Self::Groups => "groups",
        }
    }
}

/// A change of one resource of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delta {
    /// What changes.
    pub kind: ResourceKind,
    /// By how much (pieces or GiB); negative gives back.
    pub amount: i32,
    /// Name and id of the type for `<kind>_<type name>`; none for the plain resource.
    pub volume_type: Option<(String, String)>,
}

impl Delta {
    /// The resource's name in the quota tables.
    pub fn resource(&self) -> String {
        match &self.volume_type {
            Some((name, _)) => format!("{}_{name}", self.kind.name()),
            None => self.kind.name().to_owned(),
        }
    }

    /// Each change for the project as a whole and, where a type is given, for the type.
    pub fn with_type(
        changes: &[(ResourceKind, i32)],
        volume_type: Option<&volume_types::Model>,
    ) -> Vec<Self> {
        let plain = changes.iter().map(|(kind, amount)| Self {
            kind: *kind,
            amount: *amount,
            volume_type: None,
        });
        let typed = volume_type.into_iter().flat_map(|t| {
            let name = t.name.clone().unwrap_or_default();
            changes.iter().map(move |(kind, amount)| Self {
                kind: *kind,
                amount: *amount,
                volume_type: Some((name.clone(), t.id.clone())),
            })
        });
        plain.chain(typed).collect()
    }
}

/// What to reserve, and by which rules.
#[derive(Debug, Clone)]
pub struct QuotaRequest {
    /// The project that is charged.
    pub project_id: String,
    /// The changes; one for each resource.
    pub deltas: Vec<Delta>,
    /// Quota class of the caller's context.
    pub quota_class: Option<String>,
    /// Limits and switches of cinder.conf.
    pub defaults: QuotaDefaults,
    /// `reservation_expire`, 86,400 s unless configured.
    pub expire: Duration,
}

/// Reservations that wait for [`Db::commit_reservations`] or [`Db::roll_back_reservations`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservations {
    /// Their uuids.
    pub ids: Vec<String>,
    /// False if all were there already (or done with): a repeat of an earlier call.
    pub fresh: bool,
}

impl Db {
    /// Reserves all changes or, over quota, none.
    pub async fn reserve(&self, request: &QuotaRequest) -> Result<Reservations> {
        self.reserve_with_ids(request, |_| Uuid::new_v4()).await
    }

    /// As [`Self::reserve`], with an id for each resource that a repeat of the same command
    /// gives again: reservations that exist, even done with, are not made a second time.
    pub async fn reserve_with_ids<F>(&self, request: &QuotaRequest, id: F) -> Result<Reservations>
    where
        F: Fn(&str) -> Uuid + Sync,
    {
        let ids: Vec<String> = request
            .deltas
            .iter()
            .map(|delta| id(&delta.resource()).to_string())
            .collect();
        let passing =
            |error: &DbError| matches!(error, DbError::Deadlock(_) | DbError::Duplicate(_));
        self.attempt_unless(|| reserve_once(self, request, &ids), passing)
            .await
    }

    /// Turns reservations into usage. Those that are gone have no effect.
    pub async fn commit_reservations(&self, project_id: &str, ids: &[String]) -> Result<()> {
        self.attempt(|| async {
            let txn = self.begin().await?;
            commit_in(self, &txn, project_id, ids).await?;
            txn.commit().await?;
            Ok(())
        })
        .await
    }

    /// Drops reservations. Those that are gone have no effect.
    pub async fn roll_back_reservations(&self, project_id: &str, ids: &[String]) -> Result<()> {
        self.attempt(|| async {
            let txn = self.begin().await?;
            roll_back_in(self, &txn, project_id, ids).await?;
            txn.commit().await?;
            Ok(())
        })
        .await
    }
}

async fn reserve_once(db: &Db, request: &QuotaRequest, ids: &[String]) -> Result<Reservations> {
    let resources: Vec<String> = request.deltas.iter().map(Delta::resource).collect();
    let (txn, mut usages) = loop {
        let txn = db.begin().await?;
        let usages = lock_usages(&txn, &request.project_id, &resources).await?;
        let missing: Vec<&Delta> = request
            .deltas
            .iter()
            .filter(|delta| !usages.contains_key(&delta.resource()))
            .collect();
        if missing.is_empty() {
            break (txn, usages);
        }
        // Rows that do not exist cannot be locked: make them, then lock all again.
        for delta in missing {
            check_type(&txn, delta).await?;
            create_usage(db, &txn, &request.project_id, delta, &request.defaults).await?;
        }
        txn.commit().await?;
    };
    let known = Entity::find()
        .filter(Column::Uuid.is_in(ids))
        .all(&txn)
        .await?;
    if !known.is_empty() {
        txn.commit().await?;
        return Ok(Reservations {
            ids: ids.to_vec(),
            fresh: false,
        });
    }
    for delta in &request.deltas {
        check_type(&txn, delta).await?;
        if let Some(usage) = usages.get_mut(&delta.resource()) {
            refresh_usage(db, &txn, usage, delta, &request.defaults).await?;
        }
    }
    check_limits(&txn, request, &usages).await?;
    let expire = now() + request.expire;
    for (delta, id) in request.deltas.iter().zip(ids) {
        let resource = delta.resource();
        let Some(usage) = usages.get_mut(&resource) else {
            return Err(DbError::not_found("quota_usages", resource));
        };
        let row = vec![
            (Column::CreatedAt, db.time(now())),
            (Column::Deleted, false.into()),
            (Column::Uuid, id.clone().into()),
            (Column::UsageId, usage.id.into()),
            (Column::ProjectId, request.project_id.clone().into()),
            (Column::Resource, resource.into()),
            (Column::Delta, delta.amount.into()),
            (Column::Expire, db.time(expire)),
        ];
        insert_row(&txn, Entity, row).await?;
        if delta.amount > 0 {
            usage.reserved = usage.reserved.saturating_add(delta.amount);
            write_usage(db, &txn, usage).await?;
        }
    }
    txn.commit().await?;
    Ok(Reservations {
        ids: ids.to_vec(),
        fresh: true,
    })
}

/// A resource of a type exists only while the type does.
async fn check_type(conn: &impl ConnectionTrait, delta: &Delta) -> Result<()> {
    let Some((name, id)) = &delta.volume_type else {
        return Ok(());
    };
    let found = volume_types::Entity::find_by_id(id)
        .filter(live(volume_types::Column::Deleted))
        .one(conn)
        .await?;
    match found {
        Some(_) => Ok(()),
        None => Err(DbError::UnknownQuotaResource {
            volume_type: name.clone(),
        }),
    }
}

/// Only growth is checked, so that a project over its limits can shrink.
async fn check_limits(
    conn: &impl ConnectionTrait,
    request: &QuotaRequest,
    usages: &HashMap<String, quota_usages::Model>,
) -> Result<()> {
    let mut over = Vec::new();
    let mut overflow = Vec::new();
    for delta in request.deltas.iter().filter(|delta| delta.amount >= 0) {
        let resource = delta.resource();
        let Some(usage) = usages.get(&resource) else {
            continue;
        };
        let (in_use, reserved) = (i64::from(usage.in_use), i64::from(usage.reserved));
        let requested = i64::from(delta.amount);
        let total = in_use + reserved + requested;
        if requested > 0 && (total > MAX_USAGE || reserved + requested > MAX_USAGE) {
            overflow.push(resource);
            continue;
        }
        let limit = i64::from(limit(conn, request, delta).await?);
        if limit >= 0 && total > limit {
            over.push(OverUse {
                resource,
                requested,
                in_use,
                reserved,
                limit,
            });
        }
    }
    let project_id = request.project_id.clone();
    if !overflow.is_empty() {
        overflow.sort();
        return Err(DbError::QuotaOverflow {
            project_id,
            resources: overflow,
        });
    }
    if !over.is_empty() {
        over.sort_by(|a, b| a.resource.cmp(&b.resource));
        return Err(DbError::OverQuota { project_id, over });
    }
    Ok(())
}

/// The commit as part of a larger transaction; take its locks before those of other rows.
pub(super) async fn commit_in(
    db: &Db,
    conn: &impl ConnectionTrait,
    project_id: &str,
    ids: &[String],
) -> Result<()> {
    settle(db, conn, project_id, ids, true).await
}

/// The roll-back as part of a larger transaction; its locks come first too.
pub(super) async fn roll_back_in(
    db: &Db,
    conn: &impl ConnectionTrait,
    project_id: &str,
    ids: &[String],
) -> Result<()> {
    settle(db, conn, project_id, ids, false).await
}

async fn settle(
    db: &Db,
    conn: &impl ConnectionTrait,
    project_id: &str,
    ids: &[String],
    commit: bool,
) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let open = || {
        Entity::find()
            .filter(live(Column::Deleted))
            .filter(Column::Uuid.is_in(ids))
    };
    let resources: Vec<String> = open()
        .select_only()
        .column(Column::Resource)
        .distinct()
        .into_tuple::<Option<String>>()
        .all(conn)
        .await?
        .into_iter()
        .flatten()
        .collect();
    if resources.is_empty() {
        return Ok(());
    }
    let mut usages = lock_usages(conn, project_id, &resources).await?;
    let rows: Vec<Model> = open()
        .order_by_asc(Column::Id)
        .lock_exclusive()
        .all(conn)
        .await?;
    let unknown = |row: &Model| !usages.contains_key(row.resource.as_deref().unwrap_or_default());
    if let Some(row) = rows.iter().find(|row| unknown(row)) {
        // Cinder fails here, logs it and changes nothing: the reservations expire.
        tracing::warn!(project_id, resource = ?row.resource, reservation = %row.uuid,
            "reservations do not belong to this project: left to expire");
        return Ok(());
    }
    for row in &rows {
        let resource = row.resource.as_deref().unwrap_or_default();
        if let Some(usage) = usages.get_mut(resource) {
            if row.delta >= 0 {
                usage.reserved -= row.delta.min(usage.reserved);
            }
            if commit {
                let delta = if row.delta < 0 {
                    row.delta.max(usage.in_use.saturating_neg())
                } else {
                    row.delta
                };
                usage.in_use = usage.in_use.saturating_add(delta);
            }
        }
    }
    for usage in usages.values() {
        write_usage(db, conn, usage).await?;
    }
    let done: Vec<i32> = rows.iter().map(|row| row.id).collect();
    Entity::update_many()
        .col_expr(Column::Deleted, Expr::val(true))
        .col_expr(Column::DeletedAt, Expr::val(db.time(now())))
        .filter(live(Column::Deleted))
        .filter(Column::Id.is_in(done))
        .exec(conn)
        .await?;
    Ok(())
}
