//! Attach and detach: a host on each fabric.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::cloud::Cloud;
use super::stage::Stage;
use super::{BACKENDS, show};

/// What the host of each backend says of itself, and the initiator group it gets for that.
fn host_of(backend: &str) -> (Value, &'static str) {
    match backend {
        "xtremio-fc" => (
            json!({
                "host": "compute2",
                "wwpns": ["2100001b32817c5f", "2100001b32817c60"],
                "wwnns": ["2000001b32817c5f", "2000001b32817c60"],
                "multipath": true,
            }),
            "compute2",
        ),
        _ => (
            json!({
                "host": "compute1",
                "initiator": "iqn.1994-05.com.example:compute1",
                "ip": "192.0.2.10",
                "multipath": true,
            }),
            "iqn.1994-05.com.example:compute1",
        ),
    }
}

/// A host attaches the volume of each backend; the attachments.
pub(super) async fn attach(
    stage: &Stage,
    cloud: &Cloud,
    ids: &[String],
) -> anyhow::Result<Vec<String>> {
    show::step("attachment_update, a call: a host on each fabric attaches a volume");
    let mut attachments = Vec::new();
    for ((backend, _), id) in BACKENDS.iter().zip(ids) {
        let (connector, group) = host_of(backend);
        let (attachment, told) = stage.alive(cloud.attach(id, &connector)).await?;
        show::note(&format!("{backend}: the host is told, among others"));
        for key in [
            "driver_volume_type",
            "target_lun",
            "target_iqns",
            "target_portals",
            "target_wwn",
            "initiator_target_map",
        ] {
            if let Some(value) = told.get(key) {
                show::quote(&format!("{key:<22} {value}"));
            }
        }
        let lun = told["target_lun"].as_u64().context("no LUN in the reply")?;
        let maps = maps(stage, id)?;
        ensure!(
            maps == [(group.to_owned(), lun)],
            "the host was told LUN {lun}, the array maps {id} as {maps:?}"
        );
        attachments.push(attachment);
    }
    show::array(&stage.array()?);
    Ok(attachments)
}

/// The hosts give the volumes back.
pub(super) async fn detach(
    stage: &Stage,
    cloud: &Cloud,
    ids: &[String],
    attachments: &[String],
) -> anyhow::Result<()> {
    show::step("attachment_delete, a call: both hosts detach");
    for (id, attachment) in ids.iter().zip(attachments) {
        stage.alive(cloud.detach(id, attachment)).await?;
        let maps = maps(stage, id)?;
        ensure!(maps.is_empty(), "the array still maps {id}: {maps:?}");
    }
    show::note("after, with the rows as cinder-api then changes them:");
    let rows = cloud.rows(ids).await?;
    show::rows(&rows);
    show::array(&stage.array()?);
    for row in rows {
        let status = row.status.as_deref();
        ensure!(status == Some("available"), "{} is {status:?}", row.id);
    }
    Ok(())
}

fn maps(stage: &Stage, id: &str) -> anyhow::Result<Vec<(String, u64)>> {
    let found = stage.on_array(id)?;
    Ok(found
        .with_context(|| format!("{id} is not on the array"))?
        .maps)
}
