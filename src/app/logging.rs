//! Logging in oslo.log's line format or JSON, to a file, syslog, the journal or standard error.

mod levels;
mod line;
mod sink;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Registry, reload};

use crate::config::LoggingOptions;
use levels::Levels;
pub use levels::parse_level;
use line::LineLayer;
use sink::{FileSink, Sink};

/// Logging cannot be set up or changed.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The log file cannot be opened for appending.
    #[error("log file {path}: {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// The syslog socket cannot be used.
    #[error("syslog socket {path}: {cause}")]
    Syslog {
        /// The socket, normally `/dev/log`.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// `syslog_log_facility` is not a facility.
    #[error("no such syslog facility: {0}")]
    Facility(String),
    /// Some other code of this process has set up tracing before.
    #[error("logging is set up already")]
    AlreadySet,
    /// The levels cannot be changed: logging has ended.
    #[error("logging has ended")]
    Ended,
}

/// Changes logging while the program runs. Cheap to clone.
#[derive(Clone)]
pub struct LogHandle {
    inner: Arc<Inner>,
}

struct Inner {
    levels: Mutex<Levels>,
    filter: reload::Handle<Targets, Registry>,
    file: Option<FileSink>,
}

impl fmt::Debug for LogHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogHandle")
            .field("levels", &self.levels())
            .finish_non_exhaustive()
    }
}

/// Sets logging up for the whole process.
///
/// # Errors
/// A file or socket that cannot be opened, or a second call.
pub fn init(options: &LoggingOptions) -> Result<LogHandle, LogError> {
    let (subscriber, handle) = build(options)?;
    tracing::subscriber::set_global_default(subscriber).map_err(|_| LogError::AlreadySet)?;
    Ok(handle)
}

/// The subscriber that [`init`] makes global; for tests and tools that want it for one thread.
///
/// # Errors
/// As [`init`], but for the second call.
pub fn build(
    options: &LoggingOptions,
) -> Result<(impl Subscriber + Send + Sync + use<>, LogHandle), LogError> {
    let (sinks, file) = sink::open(options)?;
    Ok(assemble(options, sinks, file))
}

fn assemble(
    options: &LoggingOptions,
    sinks: Vec<Sink>,
    file: Option<FileSink>,
) -> (impl Subscriber + Send + Sync + use<>, LogHandle) {
    let levels = Levels::new(options);
    let (filter, reload) = reload::Layer::<Targets, Registry>::new(levels.targets());
    let subscriber = tracing_subscriber::registry()
        .with(filter)
        .with(LineLayer::new(options.use_json, sinks));
    let inner = Inner {
        levels: Mutex::new(levels),
        filter: reload,
        file,
    };
    let handle = LogHandle {
        inner: Arc::new(inner),
    };
    (subscriber, handle)
}

impl LogHandle {
    /// Sets the level of a logger and of all below it. Takes our targets and the names of
    /// Cinder's Python loggers (`cinder`, `oslo.messaging`, `sqlalchemy`, ...); an empty
    /// prefix means all.
    ///
    /// # Errors
    /// [`LogError::Ended`].
    pub fn set_level(&self, prefix: &str, level: LevelFilter) -> Result<(), LogError> {
        let mut levels = self.lock();
        levels.set(prefix, level);
        self.install(&levels)
    }

    /// Levels by target; the empty name is the default of all others.
    pub fn levels(&self) -> BTreeMap<String, LevelFilter> {
        self.lock().all()
    }

    /// Takes the levels of newly read options, after SIGHUP; outputs stay as they are.
    ///
    /// # Errors
    /// [`LogError::Ended`].
    pub fn apply(&self, options: &LoggingOptions) -> Result<(), LogError> {
        let mut levels = self.lock();
        *levels = Levels::new(options);
        self.install(&levels)
    }

    /// Opens the log file anew, after logrotate has moved it; without a file does nothing.
    ///
    /// # Errors
    /// [`LogError::File`]; the old file is written on then.
    pub fn reopen(&self) -> Result<(), LogError> {
        self.inner.file.as_ref().map_or(Ok(()), FileSink::reopen)
    }

    fn lock(&self) -> MutexGuard<'_, Levels> {
        let levels = &self.inner.levels;
        levels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn install(&self, levels: &Levels) -> Result<(), LogError> {
        let filter = &self.inner.filter;
        filter.reload(levels.targets()).map_err(|_| LogError::Ended)
    }
}

#[cfg(test)]
mod tests;
