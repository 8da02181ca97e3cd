//! cinder-api and cinder-scheduler, as far as the demo needs them: their rows, their messages.

use std::time::Duration;

use anyhow::{Context as _, bail};
use chrono::Utc;
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::stage::Stage;
use super::{HOST, PATIENCE};
use crate::bus::{Destination, Inbox, Message, Publisher};
use crate::cli::call::{Answer, Question, ask};
use crate::config::{Config, LoadArgs, load};
use crate::db::{Db, NewVolumeRow, Read, Volume, VolumeChanges, WorkerOf, create_standalone, now};
use crate::rpc::envelope::{self, Opened};
use crate::rpc::object::Volume as VolumeObject;
use crate::rpc::{Properties, RequestContext, Target, Version, scheduler, time};

/// Between two looks at a row that another process writes.
const LOOK: Duration = Duration::from_millis(100);
/// Project and user of the demo.
const PROJECT: &str = "0f0dd0f2a3a34c2a9d2ff1b1a7a5d3e1";
/// A volume type that has no row: a type is not needed here, but the column takes no null.
const NO_TYPE: &str = "00000000-0000-0000-0000-000000000000";

/// A capability report.
pub(super) struct Heard {
    /// `update_service_capabilities`
    pub method: String,
    /// `host@backend`
    pub host: String,
    /// The report's pool.
    pub pool: Map<String, Value>,
}

impl Heard {
    /// A figure of the pool; 0 when it is missing.
    pub(super) fn number(&self, key: &str) -> f64 {
        let value = self.pool.get(key);
        value.and_then(Value::as_f64).unwrap_or_default()
    }

    /// `host@backend#pool`: what the scheduler puts into the row of a volume.
    pub(super) fn pool_host(&self) -> String {
        let pool = self.pool.get("pool_name").and_then(Value::as_str);
        format!("{}#{}", self.host, pool.unwrap_or_default())
    }
}

/// What the demo left behind.
pub(super) struct Left {
    /// Live volume rows.
    pub volumes: usize,
    /// Rows of `workers`.
    pub workers: usize,
}

/// The neighbours of the service.
pub(super) struct Cloud {
    config: Config,
    db: Db,
    publisher: Publisher,
    reports: Inbox,
    /// Reports that came while another was waited for.
    heard: Vec<Heard>,
}

impl Cloud {
    /// Opens the database file and listens for reports. Before the service starts: what is
    /// broadcast earlier is not heard.
    pub(super) async fn open(stage: &Stage) -> anyhow::Result<Self> {
        let args = LoadArgs {
            config_files: vec![stage.config_file()?],
            standalone: true,
            ..LoadArgs::default()
        };
        let config = load(&args, &|_| None)?.config;
        let db = create_standalone(&stage.folder()?.join("cinder.sqlite")).await?;
        let reports = Inbox::for_fanout(&config.messaging, scheduler::TOPIC, HOST).await?;
        super::show::note(&format!(
            "opened   queue {} on exchange {}_fanout",
            reports.name(),
            scheduler::TOPIC
        ));
        Ok(Self {
            publisher: Publisher::new(&config.messaging),
            config,
            db,
            reports,
            heard: Vec::new(),
        })
    }

    /// `host@backend` of a section.
    pub(super) fn service_host(&self, backend: &str) -> String {
        format!("{HOST}@{backend}")
    }

    /// The next report of a backend that is as wanted. Older ones of this backend are dropped,
    /// those of others kept.
    pub(super) async fn hear(
        &mut self,
        backend: &str,
        wanted: impl Fn(&Heard) -> bool,
    ) -> anyhow::Result<Heard> {
        let host = self.service_host(backend);
        loop {
            while let Some(at) = self.heard.iter().position(|heard| heard.host == host) {
                let heard = self.heard.remove(at);
                if wanted(&heard) {
                    return Ok(heard);
                }
            }
            let body = self.reports.next().await?;
            let Opened::Message(message) = envelope::open(&Properties::JSON, &body)? else {
                bail!("an empty message instead of a report");
            };
            let pool = &message.args["capabilities"]["pools"][0];
            self.heard.push(Heard {
                method: message.method_name().to_owned(),
                host: message.args["host"].as_str().unwrap_or_default().to_owned(),
                pool: pool
                    .as_object()
                    .cloned()
                    .context("a report without a pool")?,
            });
        }
    }

    /// The row of a volume to create, after the scheduler has chosen `host` for it.
    pub(super) async fn make_row(&self, host: &str, size: i32) -> anyhow::Result<String> {
        let id = Uuid::new_v4().to_string();
        let row = NewVolumeRow {
            id: id.clone(),
            user_id: Some(PROJECT.to_owned()),
            project_id: Some(PROJECT.to_owned()),
            host: Some(host.to_owned()),
            scheduled_at: Some(now()),
            size,
            availability_zone: Some(self.config.service.storage_availability_zone.clone()),
            status: "creating".to_owned(),
            migration_status: None,
            display_name: Some("demo".to_owned()),
            volume_type_id: NO_TYPE.to_owned(),
            use_quota: true,
            multiattach: false,
        };
        self.db.insert_volume(&row).await?;
        Ok(id)
    }

    /// The rows of volumes, deleted ones too.
    pub(super) async fn rows(&self, ids: &[String]) -> anyhow::Result<Vec<Volume>> {
        let mut rows = Vec::new();
        for id in ids {
            rows.push(self.db.volume(id, Read::WithDeleted).await?);
        }
        Ok(rows)
    }

    /// The row of a volume once it is as wanted. The service is another process, which tells
    /// nobody about a cast's end: the row is looked at as a client does.
    pub(super) async fn until(
        &self,
        id: &str,
        wanted: impl Fn(&Volume) -> bool,
    ) -> anyhow::Result<Volume> {
        loop {
            let row = self.db.volume(id, Read::WithDeleted).await?;
            if wanted(&row) {
                return Ok(row);
            }
            sleep(LOOK).await;
        }
    }

    /// The scheduler's cast.
    pub(super) async fn cast_create(&self, id: &str) -> anyhow::Result<()> {
        let row = self.db.volume(id, Read::Live).await?;
        let args = json!({
            "volume": object(&row)?,
            "request_spec": null,
            "filter_properties": {},
            "allow_reschedule": true,
        });
        self.cast(&row, "create_volume", args).await
    }

    /// The API's change of the row, and its cast.
    pub(super) async fn cast_delete(&self, id: &str) -> anyhow::Result<()> {
        let changes = VolumeChanges::new()
            .status("deleting")
            .terminated_at(Some(now()));
        self.db.update_volume(id, &changes).await?;
        let row = self.db.volume(id, Read::Live).await?;
        let args = json!({"volume": object(&row)?, "unmanage_only": false, "cascade": false});
        self.cast(&row, "delete_volume", args).await
    }

    /// The call with which the API asks for a volume to be mapped to a host.
    pub(super) async fn call_attach(&self, id: &str) -> anyhow::Result<Answer> {
        let row = self.db.volume(id, Read::Live).await?;
        let connector = json!({
            "initiator": "iqn.1994-05.com.example:demo",
            "host": "compute1",
            "ip": "192.0.2.10",
            "multipath": false,
        });
        let args = json!({"volume": object(&row)?, "connector": connector});
        self.call(service_of(&row)?, "initialize_connection", args)
            .await
    }

    /// Any call.
    pub(super) async fn call(
        &self,
        host: &str,
        method: &str,
        args: Value,
    ) -> anyhow::Result<Answer> {
        ask(&self.config.messaging, &question(host, method, args, false)).await
    }

    async fn cast(&self, row: &Volume, method: &str, args: Value) -> anyhow::Result<()> {
        let question = question(service_of(row)?, method, args, true);
        ask(&self.config.messaging, &question).await?;
        Ok(())
    }

    /// Bytes as they are, to the queue of a host.
    pub(super) async fn send_bytes(&self, host: &str, body: &[u8]) -> anyhow::Result<()> {
        let message = Message {
            to: Destination::Topic(Target::volume(host).routing_key()),
            body: body.to_vec(),
            expiration: None,
            mandatory: true,
        };
        let deadline = Instant::now() + PATIENCE;
        let routed = self.publisher.publish(&message, deadline).await?;
        routed.then_some(()).context("no queue took the message")
    }

    /// Counts what is left in the database.
    pub(super) async fn left(&self, ids: &[String]) -> anyhow::Result<Left> {
        let volumes = self.db.volumes_of_host(HOST).await?.len();
        let mut workers = 0;
        for id in ids {
            let of = WorkerOf::Volume(id.clone());
            workers += usize::from(self.db.worker(&of).await?.is_some());
        }
        Ok(Left { volumes, workers })
    }

    /// Deletes the queue and closes all connections.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        self.reports.close().await?;
        self.publisher.close().await;
        self.db.close().await?;
        Ok(())
    }
}

fn question(host: &str, method: &str, args: Value, cast: bool) -> Question {
    let now = Utc::now().naive_utc();
    let mut context = RequestContext::for_service(RequestContext::new_request_id(), now);
    context.project_id = Some(PROJECT.to_owned());
    context.user_id = Some(PROJECT.to_owned());
    Question {
        host: host.to_owned(),
        method: method.to_owned(),
        args: match args {
            Value::Object(args) => args,
            _ => Map::new(),
        },
        version: Version::new(3, 0),
        context,
        cast,
        timeout: PATIENCE,
    }
}

/// `host@backend` of a row.
fn service_of(row: &Volume) -> anyhow::Result<&str> {
    let host = row.host.as_deref().context("a volume without a host")?;
    Ok(host.split('#').next().unwrap_or(host))
}

/// A row as it goes into a message.
fn object(row: &Volume) -> anyhow::Result<Value> {
    let time = |t: Option<chrono::NaiveDateTime>| t.map(time::object);
    let fields = [
        ("id", json!(row.id)),
        ("_name_id", json!(row.name_id)),
        ("user_id", json!(row.user_id)),
        ("project_id", json!(row.project_id)),
        ("use_quota", json!(row.use_quota)),
        ("host", json!(row.host)),
        ("size", json!(row.size)),
        ("availability_zone", json!(row.availability_zone)),
        ("status", json!(row.status)),
        ("attach_status", json!(row.attach_status)),
        ("migration_status", json!(row.migration_status)),
        ("scheduled_at", json!(time(row.scheduled_at))),
        ("launched_at", json!(time(row.launched_at))),
        ("terminated_at", json!(time(row.terminated_at))),
        ("display_name", json!(row.display_name)),
        ("volume_type_id", json!(row.volume_type_id)),
        ("bootable", json!(row.bootable)),
        ("multiattach", json!(row.multiattach)),
        ("service_uuid", json!(row.service_uuid)),
        ("shared_targets", json!(row.shared_targets)),
        ("deleted", json!(row.deleted)),
        ("created_at", json!(time(row.created_at))),
        ("updated_at", json!(time(row.updated_at))),
    ];
    let volume = VolumeObject::from_fields(fields)?;
    Ok(json!(volume))
}
