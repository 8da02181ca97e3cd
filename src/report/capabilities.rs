//! Capability reports: what the backend can do and how full it is, for the schedulers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::Utc;
use serde_json::{Map, Value, json};
use tokio::sync::{Notify, watch};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tracing::{debug, warn};

use super::casts::Casts;
use crate::backend::{Backend, BackendError, Stats};
use crate::config::BackendOptions;
use crate::db::Db;
use crate::rpc::opaque::Opaque;
use crate::rpc::{RequestContext, request, scheduler};

/// Two reports are at least so far apart, however many commands ask for one.
const CALM: Duration = Duration::from_secs(1);

/// Gathers and sends the reports of one backend. Cheap to clone.
#[derive(Clone)]
pub struct Capabilities {
    shared: Arc<Shared>,
}

struct Shared {
    options: BackendOptions,
    every: Duration,
    backend: Arc<dyn Backend>,
    db: Db,
    casts: Casts,
    stats: watch::Sender<Option<Stats>>,
    /// GiB; the last known, for when the database is away.
    allocated: AtomicU64,
    wanted: Notify,
}

impl Capabilities {
    /// Nothing is asked or sent before [`Capabilities::run`] or [`Capabilities::refresh`].
    pub fn new(
        options: &BackendOptions,
        every: Duration,
        backend: Arc<dyn Backend>,
        db: Db,
        casts: Casts,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                options: options.clone(),
                every,
                backend,
                db,
                casts,
                stats: watch::Sender::new(None),
                allocated: AtomicU64::new(0),
                wanted: Notify::new(),
            }),
        }
    }

    /// Asks for a report soon: the backend has changed, or a scheduler has started.
    pub fn publish_soon(&self) {
        self.shared.wanted.notify_one();
    }

    /// Reports at once, then every `backend_stats_polling_interval`, and when asked.
    pub async fn run(&self) {
        let mut tick = interval(self.shared.every);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = self.shared.wanted.notified() => {}
            }
            // The last known figures are still sent, as cinder-volume does: also while an array
            // that does not answer uses up all its tries.
            match timeout(self.shared.every, self.refresh()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    warn!(backend = %self.shared.options.name, %error, "the array's capacity is unknown");
                }
                Err(_) => {
                    warn!(backend = %self.shared.options.name, "the array does not tell its capacity");
                }
            }
            self.publish().await;
            sleep(CALM).await;
        }
    }

    /// Asks the array for its figures.
    ///
    /// # Errors
    ///
    /// What the array or the way to it failed with; the last figures stay in force.
    pub async fn refresh(&self) -> Result<(), BackendError> {
        let stats = self.shared.backend.stats().await?;
        self.shared.stats.send_replace(Some(stats));
        Ok(())
    }

    /// The report as it would be sent now; empty before the first figures are known.
    pub async fn current(&self) -> Map<String, Value> {
        let Some(stats) = self.shared.stats.borrow().clone() else {
            return Map::new();
        };
        let host = &self.shared.options.host;
        match self.shared.db.allocations(host).await {
            Ok(pools) => {
                let sum = pools.iter().map(|pool| pool.gigabytes).sum::<i64>();
                let sum = u64::try_from(sum).unwrap_or(0);
                self.shared.allocated.store(sum, Ordering::Relaxed);
            }
            Err(error) => warn!(%error, "allocated capacity is unknown: the last known is sent"),
        }
        let allocated = self.shared.allocated.load(Ordering::Relaxed);
        stats.capabilities(&self.shared.options, allocated)
    }

    /// The reply of `get_capabilities`: the report plus the properties every driver has.
    pub async fn with_properties(&self) -> Opaque {
        let mut report = self.current().await;
        if !report.is_empty() {
            report.insert("properties".to_owned(), properties());
        }
        report.into()
    }

    async fn publish(&self) {
        let report: Opaque = self.current().await.into();
        if report.is_empty() {
            debug!("nothing to report before the first figures");
            return;
        }
        let now = Utc::now().naive_utc();
        let context = RequestContext::for_service(RequestContext::new_request_id(), now);
        let host = &self.shared.options.host;
        let (first, second) = (request::new_id(), request::new_id());
        let requests = [
            scheduler::update_service_capabilities(
                context.clone(),
                host,
                None,
                report.clone(),
                now,
                &first,
            ),
            scheduler::notify_service_capabilities(context, host, report, now, &second),
        ];
        for request in &requests {
            // An old report is worth nothing: the next one replaces it.
            if let Err(error) = self.shared.casts.send(request, self.shared.every).await {
                warn!(%error, "capability report lost");
            }
        }
    }
}

/// Cinder's `_init_standard_capabilities`, as the API shows them.
fn properties() -> Value {
    let flag = |title: &str, description: &str| json!({"title": title, "description": description, "type": "boolean"});
    json!({
        "thin_provisioning": flag("Thin Provisioning", "Sets thin provisioning."),
        "compression": flag("Compression", "Enables compression."),
        "qos": flag("QoS", "Enables QoS."),
        "replication_enabled": flag("Replication", "Enables replication."),
    })
}
