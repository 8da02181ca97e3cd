//! Where lines go. A line that cannot be written is lost: logging never stops the service.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Local};
use tracing::Level;

use super::LogError;
use crate::config::{LoggingOptions, SYSLOG_FACILITIES};

/// The name under which syslog knows us: filters of existing sites look for it.
const IDENT: &str = "cinder-volume";

/// An output.
pub(super) enum Sink {
    /// Standard error, plain.
    Stderr,
    /// Standard error with `<N>` before each line, which systemd takes as its priority.
    Journal,
    /// A file.
    File(FileSink),
    /// The local syslog daemon.
    Syslog(SyslogSink),
}

/// All outputs that the options ask for; standard error when they ask for none.
pub(super) fn open(options: &LoggingOptions) -> Result<(Vec<Sink>, Option<FileSink>), LogError> {
    let mut sinks = Vec::new();
    let mut file = None;
    if let Some(path) = &options.log_file {
        let opened = FileSink::open(path)?;
        sinks.push(Sink::File(opened.clone()));
        file = Some(opened);
    }
    if options.use_syslog {
        let facility = match options.syslog_log_facility.as_str() {
            "" => "LOG_USER",
            name => name,
        };
        sinks.push(Sink::Syslog(SyslogSink::open(
            Path::new("/dev/log"),
            facility,
        )?));
    }
    if options.use_journal {
        sinks.push(Sink::Journal);
    }
    if sinks.is_empty() || options.use_stderr && !options.use_journal {
        sinks.push(Sink::Stderr);
    }
    Ok((sinks, file))
}

impl Sink {
    /// Writes one line, given without its line feed.
    pub(super) fn write(&self, level: Level, now: DateTime<Local>, line: &str) {
        let result = match self {
            Self::Stderr => writeln!(std::io::stderr().lock(), "{line}"),
            Self::Journal => writeln!(std::io::stderr().lock(), "<{}>{line}", severity(level)),
            Self::File(file) => file.write(line),
            Self::Syslog(syslog) => syslog.write(level, now, line),
        };
        drop(result);
    }
}

/// Syslog severity.
fn severity(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        Level::DEBUG | Level::TRACE => 7,
    }
}

/// A log file that can be reopened.
#[derive(Clone)]
pub(super) struct FileSink {
    path: PathBuf,
    file: Arc<Mutex<File>>,
}

impl FileSink {
    fn open(path: &Path) -> Result<Self, LogError> {
        Ok(Self {
            path: path.to_owned(),
            file: Arc::new(Mutex::new(append(path)?)),
        })
    }

    /// Opens the path anew; on failure the old file stays in use.
    pub(super) fn reopen(&self) -> Result<(), LogError> {
        let new = append(&self.path)?;
        *self.file.lock().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    fn write(&self, line: &str) -> std::io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // One write call a line: lines of two processes on one file must not mix.
        file.write_all(format!("{line}\n").as_bytes())
    }
}

fn append(path: &Path) -> Result<File, LogError> {
    let opened = OpenOptions::new().append(true).create(true).open(path);
    opened.map_err(|cause| LogError::File {
        path: path.to_owned(),
        cause,
    })
}

/// The local syslog daemon's datagram socket.
pub(super) struct SyslogSink {
    path: PathBuf,
    socket: UnixDatagram,
    facility: u8,
}

impl SyslogSink {
    pub(super) fn open(path: &Path, facility: &str) -> Result<Self, LogError> {
        let code = SYSLOG_FACILITIES.iter().find(|(name, _)| *name == facility);
        let Some((_, facility)) = code else {
            return Err(LogError::Facility(facility.to_owned()));
        };
        let error = |cause| LogError::Syslog {
            path: path.to_owned(),
            cause,
        };
        let socket = UnixDatagram::unbound().map_err(error)?;
        // A stuck daemon must not stop the service.
        socket.set_nonblocking(true).map_err(error)?;
        // Not connected, so that a restarted daemon is found; but its absence now is an error.
        std::fs::metadata(path).map_err(error)?;
        Ok(Self {
            path: path.to_owned(),
            socket,
            facility: *facility,
        })
    }

    fn write(&self, level: Level, now: DateTime<Local>, line: &str) -> std::io::Result<()> {
        let priority = u16::from(self.facility) * 8 + u16::from(severity(level));
        let stamp = now.format("%b %e %H:%M:%S");
        let text = format!(
            "<{priority}>{stamp} {IDENT}[{}]: {line}",
            std::process::id()
        );
        self.socket.send_to(text.as_bytes(), &self.path).map(drop)
    }
}
