//! Reports, create and delete.

use anyhow::ensure;

use super::cloud::{Cloud, Heard};
use super::stage::Stage;
use super::{BACKENDS, show};
use crate::db::Volume;

/// What the schedulers hear first; the pool of each backend.
pub(super) async fn reports(stage: &Stage, cloud: &mut Cloud) -> anyhow::Result<Vec<String>> {
    show::step("What the schedulers hear: a capability report of each backend");
    let mut pools = Vec::new();
    for (backend, _) in BACKENDS {
        let heard = stage.alive(cloud.hear(backend, |_| true)).await?;
        show::report(&heard);
        let (total, free) = (
            heard.number("total_capacity_gb"),
            heard.number("free_capacity_gb"),
        );
        ensure!(total > 0.0 && free > 0.0, "no capacity in {:?}", heard.pool);
        ensure!(
            heard.number("allocated_capacity_gb") == 0.0,
            "something is allocated already"
        );
        pools.push(heard.pool_host());
    }
    Ok(pools)
}

/// A volume on each backend; their ids.
pub(super) async fn create(
    stage: &Stage,
    cloud: &mut Cloud,
    pools: &[String],
) -> anyhow::Result<Vec<String>> {
    show::step("create_volume on both backends");
    let mut ids = Vec::new();
    for ((_, size), host) in BACKENDS.iter().zip(pools) {
        ids.push(cloud.make_row(host, *size, None).await?);
    }
    show::note("rows as cinder-api and cinder-scheduler leave them, and the array, before:");
    show::rows(&cloud.rows(&ids).await?);
    show::array(&stage.array()?);
    for id in &ids {
        cloud.cast_create(id).await?;
    }
    show::note("sent: a cast create_volume to each backend; after:");
    let mut rows = Vec::new();
    for (id, (_, size)) in ids.iter().zip(BACKENDS) {
        rows.push(created(stage, cloud, id, size).await?);
    }
    show::rows(&rows);
    show::array(&stage.array()?);
    for (backend, size) in BACKENDS {
        let allocated = f64::from(size);
        let grown = |heard: &Heard| heard.number("allocated_capacity_gb") == allocated;
        let heard = stage.alive(cloud.hear(backend, grown)).await?;
        show::note(&format!(
            "heard: {} now reports {allocated} GiB allocated",
            heard.host
        ));
    }
    Ok(ids)
}

/// The row of a volume whose creation was asked for, once that has ended as it must.
pub(super) async fn created(
    stage: &Stage,
    cloud: &Cloud,
    id: &str,
    size: i32,
) -> anyhow::Result<Volume> {
    let ended = |row: &Volume| row.status.as_deref() != Some("creating");
    let row = stage.alive(cloud.until(id, ended)).await?;
    ensure!(
        row.status.as_deref() == Some("available"),
        "row of {id}: {:?}",
        row.status
    );
    ensure!(row.launched_at.is_some(), "row of {id} has no launched_at");
    on_array(stage, id, size)?;
    Ok(row)
}

/// Fails unless the array has a volume at this size, GiB.
pub(super) fn on_array(stage: &Stage, id: &str, size: i32) -> anyhow::Result<()> {
    let gib = stage.on_array(id)?.map(|found| found.gib);
    ensure!(
        gib == Some(size.unsigned_abs().into()),
        "array has {gib:?} GiB for {id}, not {size}"
    );
    Ok(())
}

/// All volumes go.
pub(super) async fn delete(stage: &Stage, cloud: &Cloud, ids: &[String]) -> anyhow::Result<()> {
    show::step("delete_volume on both backends");
    for id in ids {
        cloud.cast_delete(id).await?;
    }
    show::note(
        "status is `deleting`, as cinder-api writes it; sent: a cast delete_volume to each; after:",
    );
    let mut rows = Vec::new();
    for id in ids {
        let ended = |row: &Volume| row.status.as_deref() != Some("deleting");
        rows.push(stage.alive(cloud.until(id, ended)).await?);
    }
    show::rows(&rows);
    show::array(&stage.array()?);
    for row in &rows {
        ensure!(
            row.deleted == Some(true),
            "row of {} is not deleted",
            row.id
        );
        ensure!(
            stage.on_array(&row.id)?.is_none(),
            "volume {} is on the array",
            row.id
        );
    }
    Ok(())
}
