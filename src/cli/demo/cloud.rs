//! What the demo hears and reads as cinder-scheduler and cinder-api would; `api` is what it asks.

use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep};

use super::messages::question;
use super::stage::Stage;
use super::{HOST, PATIENCE};
use crate::bus::{Destination, Inbox, Message, Publisher};
use crate::cli::call::{Answer, ask};
use crate::config::{Config, LoadArgs, load};
use crate::db::{Db, Read, Snapshot, Volume, WorkerOf, create_standalone};
use crate::rpc::envelope::{self, Opened};
use crate::rpc::{Properties, Target, scheduler};

/// Between two looks at a row that another process writes.
const LOOK: Duration = Duration::from_millis(100);
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
    /// Live snapshot rows.
    pub snapshots: usize,
    /// Rows of `workers`.
    pub workers: usize,
}

/// The neighbours of the service.
pub(super) struct Cloud {
    pub(super) config: Config,
    pub(super) db: Db,
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

    /// The row of a snapshot, deleted or not, once it is as wanted; as [`Cloud::until`].
    pub(super) async fn until_snapshot(
        &self,
        id: &str,
        wanted: impl Fn(&Snapshot) -> bool,
    ) -> anyhow::Result<Snapshot> {
        loop {
            let row = self.db.snapshot(id, Read::WithDeleted).await?;
            if wanted(&row) {
                return Ok(row);
            }
            sleep(LOOK).await;
        }
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
        let snapshots = self.db.snapshots_of_host(HOST).await?.len();
        let mut workers = 0;
        for id in ids {
            let of = WorkerOf::Volume(id.clone());
            workers += usize::from(self.db.worker(&of).await?.is_some());
        }
        Ok(Left {
            volumes,
            snapshots,
            workers,
        })
    }

    /// Deletes the queue and closes all connections.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        self.reports.close().await?;
        self.publisher.close().await;
        self.db.close().await?;
        Ok(())
    }
}
