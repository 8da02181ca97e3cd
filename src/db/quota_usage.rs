//! Table `quota_usages`: locking, counting what is there, writing back.

use std::collections::HashMap;

use sea_orm::sea_query::Func;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect,
};

use super::entity::quota_usages::{Column, Entity, Model};
use super::entity::{groups, snapshots, volumes};
use super::error::Result;
use super::quota::{Delta, ResourceKind};
use super::quota_limits::QuotaDefaults;
use super::snapshots::to_volumes;
use super::sql::{Expr, as_integer, insert_row, live};
use super::{Db, now};

/// The live usage rows of a project, locked in order of id, by resource.
pub(super) async fn lock_usages(
    conn: &impl ConnectionTrait,
    project_id: &str,
    resources: &[String],
) -> Result<HashMap<String, Model>> {
    let rows = Entity::find()
        .filter(live(Column::Deleted))
        .filter(Column::ProjectId.eq(project_id))
        .filter(Column::Resource.is_in(resources))
        .order_by_asc(Column::Id)
        .lock_exclusive()
        .all(conn)
        .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| Some((row.resource.clone()?, row)))
        .collect())
}

/// A new usage row holds what is in the tables now.
pub(super) async fn create_usage(
    db: &Db,
    conn: &impl ConnectionTrait,
    project_id: &str,
    delta: &Delta,
    defaults: &QuotaDefaults,
) -> Result<()> {
    let in_use = count(db, conn, project_id, delta, defaults).await?;
    let row = vec![
        (Column::CreatedAt, db.time(now())),
        (Column::Deleted, false.into()),
        (Column::ProjectId, project_id.into()),
        (Column::Resource, delta.resource().into()),
        (Column::InUse, in_use.into()),
        (Column::Reserved, 0.into()),
        (Column::UntilRefresh, until_refresh(defaults).into()),
        (Column::RacePreventer, true.into()),
    ];
    insert_row(conn, Entity, row).await
}

/// Counts again where the row is broken (negative) or due.
pub(super) async fn refresh_usage(
    db: &Db,
    conn: &impl ConnectionTrait,
    usage: &mut Model,
    delta: &Delta,
    defaults: &QuotaDefaults,
) -> Result<()> {
    let before = (usage.in_use, usage.until_refresh);
    let mut due = usage.in_use < 0;
    if let (false, Some(left)) = (due, usage.until_refresh) {
        usage.until_refresh = Some(left - 1);
        due = left <= 1;
    } else if let (false, true, Some(changed)) = (due, defaults.max_age > 0, usage.updated_at) {
        due = (now() - changed).num_seconds() >= defaults.max_age;
    }
    if due {
        let project_id = usage.project_id.clone().unwrap_or_default();
        usage.in_use = count(db, conn, &project_id, delta, defaults).await?;
        usage.until_refresh = until_refresh(defaults);
    } else {
        let configured = defaults.until_refresh;
        let switched_on = usage.until_refresh.is_none() && configured > 0;
        if switched_on || usage.until_refresh.unwrap_or(0) > configured {
            usage.until_refresh = until_refresh(defaults);
        }
    }
    if due || before != (usage.in_use, usage.until_refresh) {
        write_usage(db, conn, usage).await?;
    }
    Ok(())
}

/// Writes the counters of a locked row.
pub(super) async fn write_usage(db: &Db, conn: &impl ConnectionTrait, usage: &Model) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::InUse, Expr::val(usage.in_use))
        .col_expr(Column::Reserved, Expr::val(usage.reserved))
        .col_expr(Column::UntilRefresh, Expr::val(usage.until_refresh))
        .col_expr(Column::UpdatedAt, Expr::val(db.time(now())))
        .filter(Column::Id.eq(usage.id))
        .exec(conn)
        .await?;
    Ok(())
}

fn until_refresh(defaults: &QuotaDefaults) -> Option<i32> {
    (defaults.until_refresh > 0).then_some(defaults.until_refresh)
}

async fn count(
    db: &Db,
    conn: &impl ConnectionTrait,
    project_id: &str,
    delta: &Delta,
    defaults: &QuotaDefaults,
) -> Result<i32> {
    let type_id = delta.volume_type.as_ref().map(|(_, id)| id.as_str());
    let total = match delta.kind {
        ResourceKind::Volumes => count_volumes(db, conn, project_id, type_id).await?.0,
        ResourceKind::Snapshots => count_snapshots(db, conn, project_id, type_id).await?.0,
        ResourceKind::Gigabytes => {
            let volumes = count_volumes(db, conn, project_id, type_id).await?.1;
            if defaults.no_snapshot_gb_quota {
                volumes
            } else {
                volumes + count_snapshots(db, conn, project_id, type_id).await?.1
            }
        }
        ResourceKind::Groups => groups::Entity::find()
            .select_only()
            .column_as(groups::Column::Id.count(), "number")
            .filter(live(groups::Column::Deleted))
            .filter(groups::Column::ProjectId.eq(project_id))
            .into_tuple::<i64>()
            .one(conn)
            .await?
            .unwrap_or(0),
    };
    Ok(i32::try_from(total).unwrap_or(i32::MAX))
}

/// Number and GiB of the volumes that count.
async fn count_volumes(
    db: &Db,
    conn: &impl ConnectionTrait,
    project_id: &str,
    type_id: Option<&str>,
) -> Result<(i64, i64)> {
    use volumes::Column;
    let size = Func::coalesce([Column::Size.sum(), Expr::val(0)]);
    let mut query = volumes::Entity::find()
        .select_only()
        .column_as(Column::Id.count(), "number")
        .column_as(as_integer(db.engine, size), "gigabytes")
        .filter(live(Column::Deleted))
        .filter(Column::ProjectId.eq(project_id))
        .filter(Column::UseQuota.eq(true));
    if let Some(id) = type_id {
        query = query.filter(Column::VolumeTypeId.eq(id));
    }
    let found = query.into_tuple::<(i64, i64)>().one(conn).await?;
    Ok(found.unwrap_or_default())
}

/// Number and GiB of the snapshots that count; their type is that of the volume today.
async fn count_snapshots(
    db: &Db,
    conn: &impl ConnectionTrait,
    project_id: &str,
    type_id: Option<&str>,
) -> Result<(i64, i64)> {
    use snapshots::Column;
    let size = Func::coalesce([Column::VolumeSize.sum(), Expr::val(0)]);
    let mut query = snapshots::Entity::find()
        .select_only()
        .column_as(Column::Id.count(), "number")
        .column_as(as_integer(db.engine, size), "gigabytes")
        .filter(live(Column::Deleted))
        .filter(Column::ProjectId.eq(project_id))
        .filter(Column::UseQuota.eq(true));
    if let Some(id) = type_id {
        query = query
            .join(JoinType::InnerJoin, to_volumes())
            .filter(volumes::Column::VolumeTypeId.eq(id));
    }
    let found = query.into_tuple::<(i64, i64)>().one(conn).await?;
    Ok(found.unwrap_or_default())
}
