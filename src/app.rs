//! Builds the rooms and owns start, readiness, drain and stop order.

mod backend;
mod dispatch;
mod gate;
pub mod logging;
mod metrics;
mod ops;
mod running;
mod seen;

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{join_all, select_all};
use percent_encoding::percent_decode_str;
use sd_notify::NotifyState;
use secrecy::ExposeSecret;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{debug, error, info, warn};

use crate::backend::BackendError;
use crate::bus::{ListenerState, Publisher};
use crate::config::{Config, DatabaseOptions, MessagingOptions};
use crate::db::{Db, DbError};
use crate::journal::{Journal, JournalError};
use crate::manager::{LockError, Locks};
use crate::openstack::{GlanceError, OpenStackError};
use crate::report::{Metrics, Notifier, Operations, Outbox};
use crate::retry::Delays;
use backend::{BackendService, Shared};
pub use ops::{AskError, ProcessView, ask};
pub use running::{Running, RunningDir};

/// Several, for one that a dead network holds must not end all heartbeats.
const HEARTBEAT_CONNECTIONS: u32 = 4;

/// Why the service ended, or did not start.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The database refused.
    #[error("database: {0}")]
    Db(#[from] DbError),
    /// A backend section cannot be used.
    #[error("backend: {0}")]
    Backend(#[from] BackendError),
    /// A client of another service cannot be set up.
    #[error("{0}")]
    OpenStack(#[from] OpenStackError),
    /// The image service cannot be called with these options.
    #[error(transparent)]
    Glance(#[from] GlanceError),
    /// The journal cannot be used.
    #[error("{0}")]
    Journal(#[from] JournalError),
    /// Lock files cannot be used.
    #[error("{0}")]
    Locks(#[from] LockError),
    /// Somebody else serves our host.
    #[error("{0}")]
    Refused(String),
    /// Signal handlers cannot be installed, or the state folder cannot be written.
    #[error("signals or state folder: {0}")]
    System(#[from] std::io::Error),
}

/// How a service is run, beside its configuration.
pub struct Serve<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// `--standalone`: the database is a SQLite file of our own.
    pub standalone: bool,
    /// Reads log levels again, on SIGHUP.
    pub reload: Box<dyn Fn() + Send + Sync>,
}

/// Serves all backends until SIGTERM or SIGINT.
///
/// # Errors
///
/// What keeps the service from starting; a host that somebody else serves.
pub async fn serve(serve: Serve<'_>) -> Result<(), AppError> {
    let config = serve.config;
    crate::xms::install_crypto_provider();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;

    info!("{}", guarantee(&config.messaging));
    let publisher = Publisher::new(&config.messaging);
    let events = match &config.notifications.url {
        Some(url) => {
            let mut messaging = config.messaging.clone();
            messaging.url = url.clone();
            Publisher::new(&messaging)
        }
        None => publisher.clone(),
    };
    let (outbox, outbox_task) = Outbox::spawn(events.clone());
    let metrics = Metrics::new();
    let operations = Operations::new(metrics.clone());
    // The database may be away for long: a stop must not wait for it.
    let starting = Box::pin(start(
        config,
        serve.standalone,
        publisher.clone(),
        Notifier::new(&config.notifications, outbox.clone()),
        operations.clone(),
        metrics.clone(),
    ));
    let backends = tokio::select! {
        started = starting => started?,
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    let hosts: Vec<_> = backends.iter().map(|b| b.host.clone()).collect();
    let registered = RunningDir::new(&state_folder(config)).register(hosts.clone())?;
    let journal = backends.first().map(BackendService::journal);
    let shown = ops::show(
        &registered,
        config.service.metrics_listen,
        metrics::Page {
            metrics,
            operations,
            journal: journal.clone(),
            hosts,
        },
    );
    let watchdog = tokio::spawn(watchdog());
    let mut refused = select_all(backends.iter().map(|b| refusal(b.state()).boxed())).fuse();
    let mut up = join_all(backends.iter().map(|b| consuming(b.state())))
        .boxed()
        .fuse();

    let mut result = Ok(());
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => {
                info!("SIGHUP: reading log levels again");
                (serve.reload)();
            }
            _ = &mut up => {
                info!(backends = backends.len(), "serving");
                tell_systemd(NotifyState::Ready);
            }
            (reason, _, _) = &mut refused => {
                result = Err(AppError::Refused(reason));
                break;
            }
        }
    }
    drop((refused, up));
    tell_systemd(NotifyState::Stopping);
    let mut limit = config.service.graceful_shutdown_timeout;
    if registered.drains() {
        info!("draining: what earlier processes have begun is ended first");
        let settled = join_all(backends.iter().map(BackendService::settled));
        tokio::select! {
            _ = settled => {}
            _ = terminate.recv() => warn!("a second SIGTERM: not waiting for earlier processes' commands"),
        }
        limit = Duration::ZERO;
    }
    info!("stopping: nothing new is started");
    join_all(backends.into_iter().map(|b| b.stop(limit))).await;
    outbox.flush(Duration::from_secs(5)).await;
    outbox_task.abort();
    watchdog.abort();
    drop(shown);
    publisher.close().await;
    events.close().await;
    if let Some(journal) = journal {
        let costs = journal.costs();
        info!(
            commands.written = costs.operations,
            journal.commits = costs.commits,
            journal.busy_ms = costs.busy.as_millis(),
            "journal closed"
        );
    }
    info!("stopped");
    result
}

async fn start(
    config: &Config,
    standalone: bool,
    publisher: Publisher,
    notifier: Notifier,
    operations: Operations,
    metrics: Metrics,
) -> Result<Vec<BackendService>, AppError> {
    // What an operator must mend comes before what is waited for.
    let journal = Journal::open(&journal_file(config))?;
    let locks = Locks::new(config.coordination.backend.folder())?;
    let shared = Shared {
        config,
        db: connect_database(config, standalone).await?,
        heartbeats: Db::connect(&heartbeat_options(&config.database)).await?,
        publisher,
        notifier,
        journal,
        locks,
        operations,
        metrics,
    };
    let mut backends = Vec::new();
    for options in &config.backends {
        backends.push(start_backend(&shared, options).await?);
    }
    Ok(backends)
}

/// One file for all backends of the process.
pub fn journal_file(config: &Config) -> PathBuf {
    state_folder(config).join("journal.sqlite")
}

/// What the service remembers on this machine.
pub fn state_folder(config: &Config) -> PathBuf {
    config.service.state_path.join("cinder-volume-xtremio")
}

/// What the queues promise, for whoever reads the log after a broker's restart.
fn guarantee(messaging: &MessagingOptions) -> &'static str {
    if messaging.quorum_queue {
        "quorum queues: every command that RabbitMQ confirmed survives its restarts"
    } else if messaging.durable_queues {
        // Messages of oslo's clients are persistent.
        "durable queues: every command that RabbitMQ confirmed survives its restarts"
    } else {
        "transient queues: a restart of RabbitMQ drops the commands that wait there; they are found in \
         the database and ended visibly. rabbit_quorum_queue = true keeps them"
    }
}

/// A database that is away is waited for; one that refuses is not.
async fn connect_database(config: &Config, standalone: bool) -> Result<Db, AppError> {
    if standalone {
        return Ok(crate::db::create_standalone(&standalone_file(config)?).await?);
    }
    let mut delays = Delays::new(Duration::from_secs(1), Duration::from_secs(30));
    loop {
        match Db::connect(&config.database).await {
            Err(error) if error.is_transient() => {
                error!(%error, "the database is away; trying again");
                tokio::time::sleep(delays.next_delay()).await;
            }
            result => return Ok(result?),
        }
    }
}

/// The file that the connection URL names, whose special characters are percent-encoded.
fn standalone_file(config: &Config) -> Result<PathBuf, AppError> {
    let url = config.database.url.expose_secret();
    let Some(path) = url.strip_prefix("sqlite://") else {
        let reason = "--standalone makes a database of its own: remove [database] connection";
        return Err(AppError::Refused(reason.to_owned()));
    };
    let path = path.split('?').next().unwrap_or(path);
    let path = percent_decode_str(path).collect::<Vec<u8>>();
    Ok(PathBuf::from(OsString::from_vec(path)))
}

/// Heartbeats have connections of their own: they must not queue behind commands for one.
fn heartbeat_options(database: &DatabaseOptions) -> DatabaseOptions {
    DatabaseOptions {
        max_connections: HEARTBEAT_CONNECTIONS,
        ..database.clone()
    }
}

async fn start_backend(
    shared: &Shared<'_>,
    options: &crate::config::BackendOptions,
) -> Result<BackendService, AppError> {
    let mut delays = Delays::new(Duration::from_secs(1), Duration::from_secs(30));
    loop {
        match BackendService::start(shared, options).await {
            Err(AppError::Db(error)) if error.is_transient() => {
                error!(%error, "the database is away; trying again");
                tokio::time::sleep(delays.next_delay()).await;
            }
            result => return result,
        }
    }
}

/// Ends when the gate refuses; never otherwise.
async fn refusal(mut state: tokio::sync::watch::Receiver<ListenerState>) -> String {
    loop {
        if let ListenerState::Refused(reason) = &*state.borrow_and_update() {
            return reason.clone();
        }
        if state.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

async fn consuming(mut state: tokio::sync::watch::Receiver<ListenerState>) {
    let up = |s: &ListenerState| matches!(s, ListenerState::Consuming(_));
    if state.wait_for(up).await.is_err() {
        std::future::pending().await
    }
}

fn tell_systemd(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        debug!(%error, "systemd is not told");
    }
}

/// Shows systemd that the runtime still turns, at half of `WatchdogSec`.
async fn watchdog() {
    let Some(every) = sd_notify::watchdog_enabled() else {
        return;
    };
    loop {
        tell_systemd(NotifyState::Watchdog);
        tokio::time::sleep(every / 2).await;
    }
}

/// Logs what an operator should know about the configuration.
pub fn log_warnings(warnings: &[String]) {
    for warning in warnings {
        warn!("{warning}");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use std::path::Path;

    use super::*;
    use crate::config::{LoadArgs, load};

    fn config(more: &str) -> Config {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("cinder.conf");
        let text = format!(
            "[DEFAULT]\nenabled_backends = x\ntransport_url = rabbit://localhost/\n\
             state_path = /srv/a-b c.d\n[x]\nsan_ip = 192.0.2.1\nsan_password = p\n\
             volume_driver = cinder.volume.drivers.dell_emc.xtremio.XtremIOISCSIDriver\n{more}"
        );
        std::fs::write(&file, text).unwrap();
        let args = LoadArgs {
            config_files: vec![file],
            standalone: true,
            ..LoadArgs::default()
        };
        load(&args, &|_| None).unwrap().config
    }

    #[test]
    fn the_standalone_file_has_the_name_that_was_configured() {
        let file = standalone_file(&config("")).unwrap();
        assert_eq!(file, Path::new("/srv/a-b c.d/cinder.sqlite"));
        let named = config("[database]\nconnection = sqlite:////srv/x-1.db\n");
        assert_eq!(standalone_file(&named).unwrap(), Path::new("/srv/x-1.db"));
    }

    #[test]
    fn standalone_leaves_a_database_of_the_cloud_alone() {
        let cloud = config("[database]\nconnection = mysql+pymysql://u:s3cret@db/cinder\n");
        let error = standalone_file(&cloud).unwrap_err().to_string();
        assert!(error.contains("[database] connection"), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
}
