//! `data-path`: a mapped volume reached from this host and given up, by hand. It prints JSON.

use std::io::Read as _;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::args::{DataPathArgs, DataPathStep};
use super::{complain, say, serve};
use crate::config::Config;
use crate::image::{Attachment, LocalMachine, Place, Qemu, WorkDir, choose};

/// What `initialize_connection` returned, and the size of the volume.
#[derive(Deserialize)]
struct Connection {
    driver_volume_type: String,
    data: Map<String, Value>,
    /// Bytes.
    size: u64,
}

/// Runs the subcommand; status 64 on faults of the configuration.
pub async fn run(args: DataPathArgs) -> ExitCode {
    let config = match serve::load(&args.oslo) {
        Ok(loaded) => loaded.config,
        Err(status) => return status,
    };
    match step(&config, &args).await {
        Ok(answer) => {
            say(&answer.to_string());
            ExitCode::SUCCESS
        }
        Err(error) => {
            complain(&format!("data-path: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn step(config: &Config, args: &DataPathArgs) -> Result<Value> {
    let mut backends = config.backends.iter();
    let backend = match &args.backend {
        Some(name) => backends.find(|backend| backend.name == *name),
        None => backends.next(),
    };
    let backend = backend.context("no such backend in the configuration")?;
    let work = WorkDir::new(&config.image.conversion_dir, "data-path");
    let stall = backend.image_copy_stall_timeout;
    let qemu = Qemu::new(&config.image, work, 0, stall);
    let path = choose(backend, Arc::new(LocalMachine), qemu).await;
    if args.step == DataPathStep::Connector {
        return Ok(Value::Object(path.connector().await?));
    }
    let attachment = read(&args.json)?;
    Ok(match args.step {
        DataPathStep::Open => shown(&path.open(&attachment).await?),
        DataPathStep::Extend => json!({"size": path.extend(&attachment).await?}),
        DataPathStep::Close | DataPathStep::Connector => {
            path.close(&attachment, args.force).await?;
            json!({})
        }
    })
}

fn read(file: &str) -> Result<Attachment> {
    let mut text = String::new();
    match file {
        "-" => std::io::stdin().read_to_string(&mut text).map(drop),
        path => std::fs::read_to_string(path).map(|read| text = read),
    }
    .with_context(|| format!("reading {file}"))?;
    let read: Connection = serde_json::from_str(&text).context("the connection data")?;
    Ok(Attachment {
        driver_volume_type: read.driver_volume_type,
        data: read.data,
        size: read.size,
    })
}

/// Without secrets.
fn shown(place: &Place) -> Value {
    match place {
        Place::File(path) | Place::Device(path) => json!({"path": path}),
        Place::Iscsi(lun) => json!({
            "portal": lun.portal,
            "target": lun.target,
            "lun": lun.lun,
            "initiator": lun.initiator,
        }),
    }
}
