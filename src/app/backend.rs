//! One backend section: its rooms, its tasks, its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

use super::AppError;
use super::dispatch::Dispatcher;
use super::gate::StrangerGate;
use super::seen::SeenIds;
use crate::backend::{self, Backend};
use crate::bus::{Listener, ListenerState, Publisher, ReadAhead, Replies};
use crate::config::{BackendOptions, Config};
use crate::db::Db;
use crate::image::{self, Copier, LocalMachine, WorkDir};
use crate::journal::{Health, Journal};
use crate::manager::{
    Departed, Images, LocalUses, Locks, Manager, Mentions, Reading, Recovery, Slots,
};
use crate::openstack::{Glance, Nova};
use crate::report::{Capabilities, Casts, Metrics, Notifier, Operations, Report, ServiceRow};
use crate::retry::Delays;
use crate::rpc::{Registry, Version};

/// Messages of the main queue that may be here unsettled, when no option says otherwise.
const READ_AHEAD: u16 = 1024;
/// Pauses between the first tries to reach the array; then commands are taken anyway, and fail
/// as those of a driver that is not ready.
const FIRST_TRIES: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// What all backends of the process share.
pub(super) struct Shared<'a> {
    pub config: &'a Config,
    pub db: Db,
    /// The same database through connections of its own.
    pub heartbeats: Db,
    pub publisher: Publisher,
    pub notifier: Notifier,
    pub journal: Journal,
    pub locks: Locks,
    pub operations: Operations,
    pub metrics: Metrics,
}

/// A running backend.
pub(super) struct BackendService {
    pub host: String,
    listener: Listener,
    dispatcher: Arc<Dispatcher>,
    stop: CancellationToken,
    left_open: watch::Receiver<Option<usize>>,
    tasks: Vec<JoinHandle<()>>,
}

impl BackendService {
    /// Registers the service, declares the queues, and starts all tasks. Does not wait for the
    /// array nor for the broker.
    pub(super) async fn start(
        shared: &Shared<'_>,
        options: &BackendOptions,
    ) -> Result<Self, AppError> {
        let service = &shared.config.service;
        let array = backend::connect(
            options,
            &service.volume_name_template,
            &service.snapshot_name_template,
        )?;
        let nova = Nova::new(shared.config.nova.clone())?;
        let row = ServiceRow::register(&shared.heartbeats, service, options).await?;
        let casts = Casts::new(shared.publisher.clone());
        let capabilities = Capabilities::new(
            options,
            service.stats_polling_interval,
            array.clone(),
            shared.db.clone(),
            casts.clone(),
        );
        let (ready_tx, ready) = watch::channel(false);
        let (initialised_tx, initialised) = watch::channel(false);
        let stop = CancellationToken::new();
        let manager = Arc::new(Manager {
            backend: array.clone(),
            db: shared.db.clone(),
            report: Report {
                capabilities: capabilities.clone(),
                notifier: shared.notifier.clone(),
                casts,
                operations: shared.operations.clone(),
                metrics: shared.metrics.clone(),
            },
            options: options.clone(),
            service: service.clone(),
            locks: shared.locks.clone(),
            journal: shared.journal.clone(),
            mentions: Mentions::default(),
            departed: Departed::default(),
            local: LocalUses::default(),
            images: images(shared.config, options).await?,
            nova,
            ready: ready.clone(),
            row: row.row(),
            stop: stop.clone(),
        });
        let messaging = &shared.config.messaging;
        let version = Version::parse(row.rpc_version()).unwrap_or(Version::new(3, 18));
        let dispatcher = Arc::new(Dispatcher {
            registry: Registry::new(version, service.rpc_ping_enabled),
            manager: manager.clone(),
            replies: Replies::new(shared.publisher.clone(), messaging),
            slots: Slots::new(service.executor_slots),
            seen: SeenIds::default(),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            call_patience: service.rpc_response_timeout,
        });
        let (deliveries_tx, deliveries) = mpsc::unbounded_channel();
        let gate = StrangerGate::new(
            &options.host,
            &shared.db,
            initialised,
            service.wait_for_stranger,
            messaging.heartbeat,
        );
        let window = match messaging.prefetch_count {
            0 => READ_AHEAD,
            count => count,
        };
        let listener = Listener::spawn(
            messaging,
            &options.host,
            ReadAhead::new(window, service.executor_slots),
            Arc::new(gate),
            deliveries_tx,
        );
        // Heartbeats tell the scheduler to send work: not before work is taken.
        let serving = serving(ready, listener.state(), shared.journal.health());
        let reading = Reading {
            up_to: listener.read_up_to(),
            since: consuming_since(listener.state()),
        };
        let work = manager.images.copier.work().clone();
        let recovery = Recovery::new(manager, reading);
        let left_open = recovery.left_open();
        let tasks = vec![
            tokio::spawn(dispatcher.clone().run(deliveries)),
            tokio::spawn(initialise(
                options.name.clone(),
                array,
                capabilities.clone(),
                row.clone(),
                ready_tx,
                initialised_tx,
            )),
            tokio::spawn({
                let (row, every, serving) = (row, service.report_interval, serving.clone());
                async move { row.run(every, serving).await }
            }),
            tokio::spawn(async move {
                let mut serving = serving;
                if serving.wait_for(|serving| *serving).await.is_ok() {
                    capabilities.run().await;
                }
            }),
            tokio::spawn(watch_strangers(options.host.clone(), listener.state())),
            tokio::spawn(recovery.run()),
            tokio::spawn(clean_up(work)),
        ];
        Ok(Self {
            host: options.host.clone(),
            listener,
            dispatcher,
            stop,
            left_open,
            tasks,
        })
    }

    /// What the process remembers of commands.
    pub(super) fn journal(&self) -> Journal {
        self.dispatcher.manager.journal.clone()
    }

    /// Where the listener stands.
    pub(super) fn state(&self) -> watch::Receiver<ListenerState> {
        self.listener.state()
    }

    /// Waits until nothing is open that processes before this one have begun.
    pub(super) async fn settled(&self) {
        let mut open = self.left_open.clone();
        // An error means that recovery has ended: nothing more will change.
        let _ = open.wait_for(|open| *open == Some(0)).await;
    }

    /// Takes nothing more, lets what runs end within `limit` (zero: for ever), then hands the
    /// rest back to the broker.
    pub(super) async fn stop(self, limit: Duration) {
        self.listener.stop_consuming().await;
        if !self.dispatcher.drain(limit).await {
            warn!(service.host = %self.host, "commands still ran at the end of graceful_shutdown_timeout: handed back");
            self.stop.cancel();
            self.dispatcher.drain(Duration::from_secs(5)).await;
        }
        for task in &self.tasks {
            task.abort();
        }
        self.listener.close().await;
        info!(service.host = %self.host, "backend stopped");
    }
}

/// Removes what an earlier life of this backend left of its copies.
async fn clean_up(work: WorkDir) {
    match work.remove_left_overs().await {
        Ok(removed) if removed.is_empty() => {}
        Ok(removed) => info!(
            files = removed.len(),
            "files of copies that were cut off removed"
        ),
        Err(error) => warn!(%error, "files of copies that were cut off may be left"),
    }
}

/// The ways to images.
async fn images(config: &Config, options: &BackendOptions) -> Result<Images, AppError> {
    let copier = Copier::new(&config.image, options);
    let machine = Arc::new(LocalMachine);
    Ok(Images {
        path: image::choose(options, machine, copier.qemu().clone()).await,
        glance: Glance::new(config.glance.clone())?,
        copier,
    })
}

/// Tries until the array answers, and tells when commands may be taken.
async fn initialise(
    section: String,
    array: Arc<dyn Backend>,
    capabilities: Capabilities,
    row: ServiceRow,
    ready: watch::Sender<bool>,
    initialised: watch::Sender<bool>,
) {
    let mut first = FIRST_TRIES.iter();
    let mut later = Delays::new(Duration::from_secs(5), Duration::from_secs(60));
    loop {
        let reached = async {
            array.setup().await?;
            capabilities.refresh().await
        };
        match reached.await {
            Ok(()) => break,
            Err(error) => {
                error!(backend = %section, %error, "the array is not usable; trying again")
            }
        }
        let pause = first.next().copied().unwrap_or_else(|| {
            initialised.send_replace(true);
            later.next_delay()
        });
        tokio::time::sleep(pause).await;
    }
    while let Err(error) = row.not_replicating().await {
        warn!(backend = %section, %error, "the service row cannot be written; trying again");
        tokio::time::sleep(later.next_delay()).await;
    }
    ready.send_replace(true);
    initialised.send_replace(true);
    info!(backend = %section, "driver initialised");
    // Keeps the channels open: their end means the end of the backend.
    std::future::pending::<()>().await;
}

/// True from the moment when the array is usable and messages are taken for the first time, but
/// for the times when the journal takes no intents: nothing could be started then.
fn serving(
    mut ready: watch::Receiver<bool>,
    mut state: watch::Receiver<ListenerState>,
    mut journal: watch::Receiver<Health>,
) -> watch::Receiver<bool> {
    let (tx, rx) = watch::channel(false);
    tokio::spawn(async move {
        let consuming = |s: &ListenerState| matches!(s, ListenerState::Consuming(_));
        if ready.wait_for(|ready| *ready).await.is_err() || state.wait_for(consuming).await.is_err()
        {
            return;
        }
        loop {
            let well = *journal.borrow_and_update() == Health::Well;
            tx.send_if_modified(|serving| std::mem::replace(serving, well) != well);
            tokio::select! {
                () = tx.closed() => return,
                changed = journal.changed() => if changed.is_err() { return },
            }
        }
    });
    rx
}

/// Since when messages are taken without a break.
fn consuming_since(mut state: watch::Receiver<ListenerState>) -> watch::Receiver<Option<Instant>> {
    let (tx, rx) = watch::channel(None);
    tokio::spawn(async move {
        loop {
            let consuming = matches!(*state.borrow_and_update(), ListenerState::Consuming(_));
            tx.send_if_modified(|since| {
                let changed = since.is_some() != consuming;
                if changed {
                    *since = consuming.then(Instant::now);
                }
                changed
            });
            tokio::select! {
                () = tx.closed() => return,
                changed = state.changed() => if changed.is_err() { return },
            }
        }
    });
    rx
}

/// One consumer on our main queue is ours; more mean that somebody joined after us.
async fn watch_strangers(host: String, mut state: watch::Receiver<ListenerState>) {
    while state.changed().await.is_ok() {
        if let ListenerState::Consuming(consumers) = *state.borrow_and_update()
            && consumers > 1
        {
            error!(
                service.host = %host, consumers,
                "somebody else consumes our queues: a broken connection of ours that RabbitMQ has yet to \
                 drop, or another service, whose commands are not protected: stop it"
            );
        }
    }
}
