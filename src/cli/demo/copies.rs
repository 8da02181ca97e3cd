//! Growing and copying a volume that is attached.

use anyhow::{Context as _, ensure};

use super::cloud::Cloud;
use super::stage::Stage;
use super::{show, volumes};
use crate::db::{Snapshot, Volume};

/// GiB to which the volume grows.
const GROWN: i32 = 3;
/// GiB of its clone: more than the source has.
const CLONED: i32 = 5;

/// The volume grows under its host.
pub(super) async fn extend(stage: &Stage, cloud: &Cloud, id: &str) -> anyhow::Result<()> {
    show::step(&format!(
        "extend_volume to {GROWN} GiB, while it is attached"
    ));
    cloud.cast_extend(id, GROWN).await?;
    let ended = |row: &Volume| row.status.as_deref() != Some("extending");
    let row = stage.alive(cloud.until(id, ended)).await?;
    show::rows(std::slice::from_ref(&row));
    show::array(&stage.array()?);
    ensure!(
        row.status.as_deref() == Some("in-use") && row.size == Some(GROWN),
        "row of {id}: {:?}, {:?} GiB",
        row.status,
        row.size
    );
    volumes::on_array(stage, id, GROWN)
}

/// A snapshot, and a clone that is larger than its source; their ids.
pub(super) async fn copy(
    stage: &Stage,
    cloud: &Cloud,
    id: &str,
    pool: &str,
) -> anyhow::Result<(String, String)> {
    show::step(&format!(
        "create_snapshot, and create_volume as a clone with {CLONED} GiB"
    ));
    let snapshot = cloud.cast_snapshot(id).await?;
    let ended = |row: &Snapshot| row.status.as_deref() != Some("creating");
    let row = stage.alive(cloud.until_snapshot(&snapshot, ended)).await?;
    show::note(&format!(
        "snapshots.id {snapshot}: {}, {}",
        row.status.as_deref().unwrap_or("null"),
        row.progress.as_deref().unwrap_or("null")
    ));
    ensure!(
        row.status.as_deref() == Some("available"),
        "snapshot {snapshot} is {:?}",
        row.status
    );
    let clone = cloud.make_row(pool, CLONED, Some(id)).await?;
    cloud.cast_create(&clone).await?;
    let row = volumes::created(stage, cloud, &clone, CLONED).await?;
    show::rows(&[row]);
    show::array(&stage.array()?);
    for (copy, read_only) in [(&snapshot, true), (&clone, false)] {
        let found = stage.on_array(copy)?;
        let found = found.with_context(|| format!("{copy} is not on the array"))?;
        ensure!(
            found.made_from.as_deref() == Some(id) && found.read_only == read_only,
            "{copy} is made from {:?}, read-only {}",
            found.made_from,
            found.read_only
        );
    }
    Ok((snapshot, clone))
}

/// The snapshot goes.
pub(super) async fn delete_snapshot(stage: &Stage, cloud: &Cloud, id: &str) -> anyhow::Result<()> {
    show::step("delete_snapshot");
    cloud.cast_delete_snapshot(id).await?;
    let ended = |row: &Snapshot| row.status.as_deref() != Some("deleting");
    let row = stage.alive(cloud.until_snapshot(id, ended)).await?;
    ensure!(
        row.deleted == Some(true),
        "snapshot {id} is {:?}",
        row.status
    );
    ensure!(
        stage.on_array(id)?.is_none(),
        "snapshot {id} is on the array"
    );
    show::array(&stage.array()?);
    Ok(())
}
