//! Table `services`: who we are, that we live, which versions the others speak.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, Value};
use uuid::Uuid;

use super::entity::services::{Column, Entity, Model};
use super::entity::volumes;
use super::error::{DbError, Result};
use super::host_filter::host_matches;
use super::sql::{Expr, insert_row, live, time_value};
use super::{Db, now};
use crate::config::Engine;

/// What a service row says about this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceIdentity {
    /// `host@backend`.
    pub host: String,
    /// `cinder-volume`.
    pub binary: String,
    /// `cinder-volume`.
    pub topic: String,
    /// Availability zone of new volumes.
    pub availability_zone: String,
    /// Cluster, where there is one.
    pub cluster_name: Option<String>,
    /// Highest volume RPC version served, such as `3.20`.
    pub rpc_version: String,
    /// Version of the object list, `1.39`.
    pub object_version: String,
    /// Whether a new row starts disabled (`enable_new_services = false`).
    pub disabled: bool,
}

/// Outcome of [`Db::register_service`].
#[derive(Debug, Clone)]
pub struct Registration {
    /// Our row as it is now.
    pub service: Model,
    /// Whether it had to be made.
    pub created: bool,
}

/// Outcome of [`Db::heartbeat`].
#[derive(Debug, Clone)]
pub enum Heartbeat {
    /// The row was there and counted up; this is its new count.
    Beat(i32),
    /// The row had gone; a new one (new id, new uuid) stands for us.
    Recreated(Box<Model>),
}

/// An RPC and an object version, (major, minor).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Versions {
    /// Of the volume RPC API.
    pub rpc: (u32, u32),
    /// Of the object list.
    pub objects: (u32, u32),
}

/// The lowest versions among services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MinimumVersions {
    /// Lowest of each kind; none if there is no such service.
    pub lowest: Option<Versions>,
    /// Rows whose versions are null or unreadable: they count as older than anything.
    pub unknown: usize,
}

/// Changes of a service row; only what is set is written.
#[derive(Debug, Clone, Default)]
pub struct ServiceChanges {
    sets: Vec<(Column, Value)>,
    disabling: bool,
}

impl ServiceChanges {
    /// `disabled`, with its reason (none empties it).
    pub fn disabled(mut self, disabled: bool, reason: Option<&str>) -> Self {
        self.sets.push((Column::Disabled, disabled.into()));
        self.sets
            .push((Column::DisabledReason, reason.map(str::to_owned).into()));
        self.disabling = true;
        self
    }

    /// `replication_status`.
    pub fn replication_status(mut self, status: &str) -> Self {
        self.sets.push((Column::ReplicationStatus, status.into()));
        self
    }

    /// `active_backend_id`; none when failed back.
    pub fn active_backend_id(mut self, id: Option<&str>) -> Self {
        let id = id.map(str::to_owned);
        self.sets.push((Column::ActiveBackendId, id.into()));
        self
    }
}

impl Db {
    /// The live row of a host and binary.
    pub async fn find_service(&self, host: &str, binary: &str) -> Result<Option<Model>> {
        self.attempt(|| async { find(&self.conn(), host, binary).await })
            .await
    }

    /// The live row with this id.
    pub async fn service(&self, id: i32) -> Result<Model> {
        let found = self
            .attempt(|| async {
                Ok(Entity::find_by_id(id)
                    .filter(live(Column::Deleted))
                    .one(&self.conn())
                    .await?)
            })
            .await?;
        found.ok_or_else(|| DbError::not_found("services", id.to_string()))
    }

    /// Live rows of a binary, oldest first.
    pub async fn services(&self, binary: &str) -> Result<Vec<Model>> {
        self.attempt(|| async { all(&self.conn(), binary).await })
            .await
    }

    /// Writes our versions into our row; makes the row if it is not there, and then points
    /// the volumes of each host at its present service row.
    pub async fn register_service(&self, identity: &ServiceIdentity) -> Result<Registration> {
        self.attempt(|| async {
            let txn = self.begin().await?;
            let found = find(&txn, &identity.host, &identity.binary).await?;
            let created = found.is_none();
            match found {
                Some(service) => {
                    let mut update = Entity::update_many()
                        .col_expr(
                            Column::RpcCurrentVersion,
                            Expr::val(identity.rpc_version.clone()),
                        )
                        .col_expr(
                            Column::ObjectCurrentVersion,
                            Expr::val(identity.object_version.clone()),
                        )
                        .col_expr(Column::UpdatedAt, Expr::val(self.time(now())));
                    if let Some(cluster) = &identity.cluster_name {
                        update = update.col_expr(Column::ClusterName, Expr::val(cluster.clone()));
                    }
                    update.filter(Column::Id.eq(service.id)).exec(&txn).await?;
                }
                None => insert(&txn, self.engine, identity).await?,
            }
            let service = found_again(&txn, identity).await?;
            if created {
                repoint(&txn, self.engine, &identity.binary).await?;
            }
            txn.commit().await?;
            Ok(Registration { service, created })
        })
        .await
    }

    /// Counts our row up; makes a new one when it has gone. The zone is written only when it
    /// differs.
    pub async fn heartbeat(&self, id: i32, identity: &ServiceIdentity) -> Result<Heartbeat> {
        let beaten = self
            .attempt(|| async {
                let Some(service) = Entity::find_by_id(id)
                    .filter(live(Column::Deleted))
                    .one(&self.conn())
                    .await?
                else {
                    return Ok(None);
                };
                let count = service.report_count.saturating_add(1);
                let mut update = Entity::update_many()
                    .col_expr(Column::ReportCount, Expr::val(count))
                    .col_expr(Column::UpdatedAt, Expr::val(self.time(now())));
                if service.availability_zone.as_deref() != Some(&identity.availability_zone) {
                    let zone = identity.availability_zone.clone();
                    update = update.col_expr(Column::AvailabilityZone, Expr::val(zone));
                }
                let matched = update
                    .filter(live(Column::Deleted))
                    .filter(Column::Id.eq(id))
                    .exec(&self.conn())
                    .await?
                    .rows_affected;
                Ok((matched > 0).then_some(count))
            })
            .await?;
        match beaten {
            Some(count) => Ok(Heartbeat::Beat(count)),
            None => {
                let registration = self.register_service(identity).await?;
                Ok(Heartbeat::Recreated(Box::new(registration.service)))
            }
        }
    }

    /// Writes changes to a live row. One that touches `disabled` leaves the heartbeat time
    /// alone and notes `modified_at` instead.
    pub async fn update_service(&self, id: i32, changes: &ServiceChanges) -> Result<()> {
        let matched = self
            .attempt(|| async {
                let time = if changes.disabling {
                    Column::ModifiedAt
                } else {
                    Column::UpdatedAt
                };
                let mut update = Entity::update_many().col_expr(time, Expr::val(self.time(now())));
                for (column, value) in &changes.sets {
                    update = update.col_expr(*column, Expr::val(value.clone()));
                }
                let done = update
                    .filter(live(Column::Deleted))
                    .filter(Column::Id.eq(id))
                    .exec(&self.conn())
                    .await?;
                Ok(done.rows_affected)
            })
            .await?;
        if matched == 0 {
            return Err(DbError::not_found("services", id.to_string()));
        }
        Ok(())
    }

    /// The lowest versions of the live rows of a binary, our own row `except` left out.
    pub async fn minimum_versions(
        &self,
        binary: &str,
        except: Option<i32>,
    ) -> Result<MinimumVersions> {
        let services = self.services(binary).await?;
        let mut minimum = MinimumVersions {
            lowest: None,
            unknown: 0,
        };
        for service in services.iter().filter(|s| Some(s.id) != except) {
            let rpc = service.rpc_current_version.as_deref().and_then(version);
            let objects = service.object_current_version.as_deref().and_then(version);
            let (Some(rpc), Some(objects)) = (rpc, objects) else {
                minimum.unknown += 1;
                continue;
            };
            let lowest = minimum.lowest.get_or_insert(Versions { rpc, objects });
            lowest.rpc = lowest.rpc.min(rpc);
            lowest.objects = lowest.objects.min(objects);
        }
        Ok(minimum)
    }
}

fn version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

async fn find(conn: &impl ConnectionTrait, host: &str, binary: &str) -> Result<Option<Model>> {
    Ok(Entity::find()
        .filter(live(Column::Deleted))
        .filter(Column::Host.eq(host))
        .filter(Column::Binary.eq(binary))
        .order_by_asc(Column::Id)
        .one(conn)
        .await?)
}

async fn found_again(conn: &impl ConnectionTrait, identity: &ServiceIdentity) -> Result<Model> {
    find(conn, &identity.host, &identity.binary)
        .await?
        .ok_or_else(|| DbError::not_found("services", &identity.host))
}

async fn all(conn: &impl ConnectionTrait, binary: &str) -> Result<Vec<Model>> {
    Ok(Entity::find()
        .filter(live(Column::Deleted))
        .filter(Column::Binary.eq(binary))
        .order_by_asc(Column::Id)
        .all(conn)
        .await?)
}

async fn insert(
    conn: &impl ConnectionTrait,
    engine: Engine,
    identity: &ServiceIdentity,
) -> Result<()> {
    let now = time_value(engine, Some(now()));
    let row = vec![
        (Column::CreatedAt, now.clone()),
        (Column::UpdatedAt, now),
        (Column::Deleted, false.into()),
        (Column::Uuid, Uuid::new_v4().to_string().into()),
        (Column::Host, identity.host.clone().into()),
        (Column::Binary, identity.binary.clone().into()),
        (Column::Topic, identity.topic.clone().into()),
        (Column::ReportCount, 0.into()),
        (Column::Disabled, identity.disabled.into()),
        (
            Column::AvailabilityZone,
            identity.availability_zone.clone().into(),
        ),
        (Column::ClusterName, identity.cluster_name.clone().into()),
        (
            Column::RpcCurrentVersion,
            identity.rpc_version.clone().into(),
        ),
        (
            Column::ObjectCurrentVersion,
            identity.object_version.clone().into(),
        ),
        (Column::ReplicationStatus, "not-capable".into()),
        (Column::Frozen, false.into()),
    ];
    insert_row(conn, Entity, row).await
}

/// Volumes that still name a service row that was replaced get the present one; those that
/// name none stay so.
async fn repoint(conn: &impl ConnectionTrait, engine: Engine, binary: &str) -> Result<()> {
    use volumes::Column as Volumes;
    for service in all(conn, binary).await? {
        let (Some(uuid), Some(host)) = (&service.uuid, &service.host) else {
            continue;
        };
        volumes::Entity::update_many()
            .col_expr(Volumes::ServiceUuid, Expr::val(uuid.clone()))
            .col_expr(
                Volumes::UpdatedAt,
                Expr::val(time_value(engine, Some(now()))),
            )
            .filter(live(Volumes::Deleted))
            .filter(host_matches(engine, Volumes::Host, host))
            .filter(Volumes::ServiceUuid.ne(uuid.as_str()))
            .exec(conn)
            .await?;
    }
    Ok(())
}
