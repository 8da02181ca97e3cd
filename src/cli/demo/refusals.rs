//! What is refused: messages that cannot be read, and a command that this version cannot do.

use anyhow::{bail, ensure};
use serde_json::{Value, json};

use super::cloud::Cloud;
use super::stage::Stage;
use super::{BACKENDS, show};
use crate::cli::call::Answer;
use crate::db::Volume;

/// Neither a body that is no JSON nor a method that does not exist stops the service.
pub(super) async fn bad_messages(stage: &Stage, cloud: &Cloud) -> anyhow::Result<()> {
    show::step("get_capabilities, a call: the reply");
    let reply = capabilities(stage, cloud).await?;
    show::json(&reply);

    show::step("Bad messages are refused, and the service goes on");
    let host = cloud.service_host(BACKENDS[0].0);
    cloud.send_bytes(&host, b"this is no JSON").await?;
    show::note("sent: a body that is no JSON; the service's log:");
    let line = stage
        .log_line("message cannot be read and is dropped")
        .await?;
    show::quote(&line);
    let answer = stage
        .alive(cloud.call(&host, "make_coffee", json!({})))
        .await?;
    let Answer::Failure(failure) = answer else {
        bail!("make_coffee was answered with {answer:?}");
    };
    show::note(
        "sent: a call of a method that does not exist; the failure as rebuilt from the reply:",
    );
    show::quote(&failure.to_string());
    ensure!(failure.class == "NoSuchMethod", "not NoSuchMethod");
    capabilities(stage, cloud).await?;
    show::note("get_capabilities is still answered");
    Ok(())
}

async fn capabilities(stage: &Stage, cloud: &Cloud) -> anyhow::Result<Value> {
    let host = cloud.service_host(BACKENDS[0].0);
    let call = cloud.call(&host, "get_capabilities", json!({"discover": true}));
    let Answer::Result(reply) = stage.alive(call).await? else {
        bail!("get_capabilities failed");
    };
    let vendor = &reply["vendor_name"];
    ensure!(vendor == "Dell EMC", "the reply names vendor {vendor}");
    Ok(reply)
}

/// Migrating is not there yet: it ends in its documented state, and the volume is as it was.
pub(super) async fn refused_command(
    stage: &Stage,
    cloud: &Cloud,
    id: &str,
    to: &str,
) -> anyhow::Result<()> {
    show::step("A command that this version cannot do: migrate_volume");
    cloud.cast_migrate(id, to).await?;
    let ended = |row: &Volume| row.migration_status.as_deref() != Some("starting");
    let row = stage.alive(cloud.until(id, ended)).await?;
    show::note("sent: a cast migrate_volume; the service's log:");
    show::quote(&stage.log_line("cannot migrate").await?);
    show::note(&format!(
        "migration_status is {}; the volume stays as it was:",
        row.migration_status.as_deref().unwrap_or("null")
    ));
    show::rows(std::slice::from_ref(&row));
    ensure!(
        row.migration_status.as_deref() == Some("error")
            && row.status.as_deref() == Some("available"),
        "{:?}, the migration {:?}",
        row.status,
        row.migration_status
    );
    Ok(())
}
