//! Builds the rooms and owns start, readiness, drain and stop order.

mod backend;
mod dispatch;
mod gate;
pub mod logging;
mod seen;

use std::path::Path;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{join_all, select_all};
use sd_notify::NotifyState;
use secrecy::ExposeSecret;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{debug, error, info, warn};

use crate::backend::BackendError;
use crate::bus::{ListenerState, Publisher};
use crate::config::{Config, DatabaseOptions};
use crate::db::{Db, DbError};
use crate::report::{Notifier, Outbox};
use crate::retry::Delays;
use backend::{BackendService, Shared};

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
    /// Somebody else serves our host.
    #[error("{0}")]
    Refused(String),
    /// A signal handler cannot be installed.
    #[error("signals: {0}")]
    Signals(#[from] std::io::Error),
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

    let db = connect_database(config, serve.standalone).await?;
    let heartbeats = Db::connect(&heartbeat_options(&config.database)).await?;
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
    let shared = Shared {
        config,
        db,
        heartbeats,
        publisher: publisher.clone(),
        notifier: Notifier::new(&config.notifications, outbox.clone()),
    };
    let mut backends = Vec::new();
    for options in &config.backends {
        backends.push(start_backend(&shared, options).await?);
    }
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
    info!("stopping: nothing new is started");
    tell_systemd(NotifyState::Stopping);
    let limit = config.service.graceful_shutdown_timeout;
    join_all(backends.into_iter().map(|b| b.stop(limit))).await;
    outbox.flush(Duration::from_secs(5)).await;
    outbox_task.abort();
    watchdog.abort();
    publisher.close().await;
    events.close().await;
    info!("stopped");
    result
}

/// A database that is away is waited for; one that refuses is not.
async fn connect_database(config: &Config, standalone: bool) -> Result<Db, AppError> {
    if standalone {
        let url = config.database.url.expose_secret();
        let path = url.trim_start_matches("sqlite://");
        let path = path.split('?').next().unwrap_or(path);
        return Ok(crate::db::create_standalone(Path::new(path)).await?);
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
