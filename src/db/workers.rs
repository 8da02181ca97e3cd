//! Table `workers`: what must be cleaned up when its host dies (rows go for good).

use chrono::NaiveDateTime;
use sea_orm::sea_query::{ExprTrait, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};

use super::entity::workers::{Column, Entity, Model};
use super::entity::{services, snapshots, volumes};
use super::error::{DbError, Result};
use super::host_filter::host_matches;
use super::sql::{Expr, equals, insert_row};
use super::{Db, now};

/// The schema's own row, which tells whether the engine keeps fractions of a second.
const SENTINEL: &str = "SENTINEL";

/// The resource a worker row stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkerOf {
    /// A volume, by id.
    Volume(String),
    /// A snapshot, by id.
    Snapshot(String),
}

impl WorkerOf {
    fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Volume(id) => ("Volume", id),
            Self::Snapshot(id) => ("Snapshot", id),
        }
    }
}

/// Outcome of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// It is ours; the row as it is now.
    Ours(Model),
    /// Somebody changed the row since it was read.
    Lost,
}

impl Db {
    /// The row of a resource, if there is one.
    pub async fn worker(&self, of: &WorkerOf) -> Result<Option<Model>> {
        self.attempt(|| async { find(&self.conn(), of).await })
            .await
    }

    /// Makes the row of a resource, or gives an existing one this service and status, as the
    /// sender of a command does (`service_id` none: whoever gets the message).
    pub async fn set_worker(
        &self,
        of: &WorkerOf,
        service_id: Option<i32>,
        status: &str,
    ) -> Result<()> {
        match self.insert_worker(of, service_id, status).await {
            Err(DbError::Duplicate(_)) => {}
            outcome => return outcome,
        }
        self.attempt(|| async { assign_in(self, &self.conn(), of, service_id, status).await })
            .await
    }

    /// Takes the resource of a command that starts here: the row becomes this service's, or
    /// is made. A row that is ours with this status already stays as it is.
    pub async fn claim_worker(
        &self,
        of: &WorkerOf,
        service_id: i32,
        status: &str,
    ) -> Result<Claim> {
        let Some(read) = self.worker(of).await? else {
            return match self.insert_worker(of, Some(service_id), status).await {
                Ok(()) => Ok(self.worker(of).await?.map_or(Claim::Lost, Claim::Ours)),
                Err(DbError::Duplicate(_)) => Ok(Claim::Lost),
                Err(error) => Err(error),
            };
        };
        if read.service_id == Some(service_id) && read.status == status {
            return Ok(Claim::Ours(read));
        }
        let mut unchanged = Condition::all().add(equals(
            Column::UpdatedAt,
            read.updated_at.map(|time| self.time(time)),
        ));
        if read.service_id.is_some() {
            unchanged = unchanged.add(equals(Column::ServiceId, read.service_id));
        }
        self.take(&read, service_id, status, unchanged).await
    }

    /// Follows a change of the resource's status while we work on it.
    pub async fn update_worker_status(&self, worker: &Model, status: &str) -> Result<Claim> {
        let Some(service_id) = worker.service_id else {
            return Ok(Claim::Lost);
        };
        let unchanged = Condition::all()
            .add(equals(Column::ServiceId, worker.service_id))
            .add(equals(
                Column::UpdatedAt,
                worker.updated_at.map(|time| self.time(time)),
            ));
        self.take(worker, service_id, status, unchanged).await
    }

    /// Removes the row at the end of the work; false if it is no longer as it was.
    pub async fn finish_worker(&self, worker: &Model) -> Result<bool> {
        self.attempt(|| async { finish_in(&self.conn(), worker).await })
            .await
    }

    /// Rows of a service (none: of nobody) not changed since `until`, oldest first.
    pub async fn workers_of_service(
        &self,
        service_id: Option<i32>,
        until: NaiveDateTime,
    ) -> Result<Vec<Model>> {
        self.attempt(|| async {
            Ok(Entity::find()
                .filter(Column::ResourceType.ne(SENTINEL))
                .filter(equals(Column::ServiceId, service_id))
                .filter(Column::UpdatedAt.lte(self.time(until)))
                .order_by_asc(Column::UpdatedAt)
                .order_by_asc(Column::Id)
                .all(&self.conn())
                .await?)
        })
        .await
    }

    /// Up to `limit` rows that no volume service has claimed, not changed since `until`, oldest
    /// first, for volumes of a host, or snapshots of such volumes. A create still carries the
    /// claim of the scheduler that sent it on.
    pub async fn unclaimed_workers(
        &self,
        host: &str,
        until: NaiveDateTime,
        limit: u64,
    ) -> Result<Vec<Model>> {
        let on_host = || host_matches(self.engine, volumes::Column::Host, host);
        let of_volumes = Query::select()
            .column((volumes::Entity, volumes::Column::Id))
            .from(volumes::Entity)
            .cond_where(on_host())
            .to_owned();
        let of_snapshots = Query::select()
            .column((snapshots::Entity, snapshots::Column::Id))
            .from(snapshots::Entity)
            .inner_join(
                volumes::Entity,
                Expr::col((volumes::Entity, volumes::Column::Id))
                    .equals((snapshots::Entity, snapshots::Column::VolumeId)),
            )
            .cond_where(on_host())
            .to_owned();
        let is = |kind: &str, ids: SelectStatement| {
            Condition::all()
                .add(Column::ResourceType.eq(kind))
                .add(Column::ResourceId.in_subquery(ids))
        };
        let ours = Condition::any()
            .add(is("Volume", of_volumes))
            .add(is("Snapshot", of_snapshots));
        let senders = Query::select()
            .column(services::Column::Id)
            .from(services::Entity)
            .cond_where(services::Column::Binary.ne("cinder-volume"))
            .to_owned();
        let unclaimed = Condition::any()
            .add(Column::ServiceId.is_null())
            .add(Column::ServiceId.in_subquery(senders));
        self.attempt(|| async {
            Ok(Entity::find()
                .filter(unclaimed.clone())
                .filter(Column::UpdatedAt.lte(self.time(until)))
                .filter(ours.clone())
                .order_by_asc(Column::UpdatedAt)
                .order_by_asc(Column::Id)
                .limit(limit)
                .all(&self.conn())
                .await?)
        })
        .await
    }

    /// Takes a row for cleanup: only if it is exactly as read.
    pub async fn claim_for_cleanup(&self, worker: &Model, service_id: i32) -> Result<Claim> {
        let mut unchanged = Condition::all().add(equals(Column::ServiceId, worker.service_id));
        if let Some(read) = worker.updated_at {
            unchanged = unchanged.add(Column::UpdatedAt.lte(self.time(read)));
        }
        self.take(worker, service_id, &worker.status, unchanged)
            .await
    }

    /// Gives a row claimed for cleanup back as it was `before`; false if others changed it.
    pub async fn give_worker_back(&self, claimed: &Model, before: &Model) -> Result<bool> {
        self.attempt(|| async {
            let time = before.updated_at.unwrap_or_else(now);
            let done = Entity::update_many()
                .col_expr(Column::ServiceId, Expr::val(before.service_id))
                .col_expr(Column::RacePreventer, next_race())
                .col_expr(Column::UpdatedAt, Expr::val(self.time(time)))
                .filter(same(claimed))
                .filter(equals(Column::ServiceId, claimed.service_id))
                .exec(&self.conn())
                .await?;
            Ok(done.rows_affected > 0)
        })
        .await
    }

    async fn insert_worker(
        &self,
        of: &WorkerOf,
        service_id: Option<i32>,
        status: &str,
    ) -> Result<()> {
        let (kind, id) = of.parts();
        self.attempt(|| async {
            let now = self.time(now());
            let row = vec![
                (Column::CreatedAt, now.clone()),
                (Column::UpdatedAt, now),
                (Column::Deleted, false.into()),
                (Column::ResourceType, kind.into()),
                (Column::ResourceId, id.into()),
                (Column::Status, status.into()),
                (Column::ServiceId, service_id.into()),
                (Column::RacePreventer, 0.into()),
            ];
            insert_row(&self.conn(), Entity, row).await
        })
        .await
    }

    /// The update of every claim; `unchanged` adds what else must be as read.
    async fn take(
        &self,
        read: &Model,
        service_id: i32,
        status: &str,
        unchanged: Condition,
    ) -> Result<Claim> {
        let time = now();
        let matched = self
            .attempt(|| async {
                let done = Entity::update_many()
                    .col_expr(Column::ServiceId, Expr::val(service_id))
                    .col_expr(Column::Status, Expr::val(status))
                    .col_expr(Column::RacePreventer, Expr::val(read.race_preventer + 1))
                    .col_expr(Column::UpdatedAt, Expr::val(self.time(time)))
                    .filter(same(read))
                    .filter(unchanged.clone())
                    .exec(&self.conn())
                    .await?;
                Ok(done.rows_affected)
            })
            .await?;
        if matched == 0 {
            return Ok(Claim::Lost);
        }
        Ok(Claim::Ours(Model {
            service_id: Some(service_id),
            status: status.to_owned(),
            race_preventer: read.race_preventer + 1,
            updated_at: Some(time),
            ..read.clone()
        }))
    }
}

/// Removes a row that is still as it was claimed.
pub(super) async fn finish_in(conn: &impl ConnectionTrait, worker: &Model) -> Result<bool> {
    let done = Entity::delete_many()
        .filter(Column::Id.eq(worker.id))
        .filter(Column::Status.eq(worker.status.as_str()))
        .filter(equals(Column::ServiceId, worker.service_id))
        .exec(conn)
        .await?;
    Ok(done.rows_affected > 0)
}

/// Gives the row of a resource, if there is one, to whoever takes the resource next.
pub(super) async fn free_in(
    db: &Db,
    conn: &impl ConnectionTrait,
    of: &WorkerOf,
    status: &str,
) -> Result<()> {
    assign_in(db, conn, of, None, status).await
}

async fn assign_in(
    db: &Db,
    conn: &impl ConnectionTrait,
    of: &WorkerOf,
    service_id: Option<i32>,
    status: &str,
) -> Result<()> {
    let (kind, id) = of.parts();
    Entity::update_many()
        .col_expr(Column::ServiceId, Expr::val(service_id))
        .col_expr(Column::Status, Expr::val(status))
        .col_expr(Column::RacePreventer, next_race())
        .col_expr(Column::UpdatedAt, Expr::val(db.time(now())))
        .filter(Column::ResourceType.eq(kind))
        .filter(Column::ResourceId.eq(id))
        .exec(conn)
        .await?;
    Ok(())
}

fn next_race() -> Expr {
    Expr::col(Column::RacePreventer).add(1)
}

fn same(read: &Model) -> Condition {
    Condition::all()
        .add(Column::Id.eq(read.id))
        .add(Column::Status.eq(read.status.as_str()))
        .add(Column::RacePreventer.eq(read.race_preventer))
}

async fn find(conn: &impl ConnectionTrait, of: &WorkerOf) -> Result<Option<Model>> {
    let (kind, id) = of.parts();
    Ok(Entity::find()
        .filter(Column::ResourceType.eq(kind))
        .filter(Column::ResourceId.eq(id))
        .one(conn)
        .await?)
}
