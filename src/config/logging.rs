//! oslo.log options.

use std::path::PathBuf;

/// Where and how to log.
#[derive(Debug, Clone, Default)]
pub struct LoggingOptions {
    /// `debug` (default false).
    pub debug: bool,
    /// `log_file` (old name `logfile`), joined with `log_dir`; `None` logs to standard error.
    pub log_file: Option<PathBuf>,
    /// `use_syslog` (default false).
    pub use_syslog: bool,
    /// `syslog_log_facility` (default `LOG_USER`).
    pub syslog_log_facility: String,
    /// `use_journal` (default false).
    pub use_journal: bool,
    /// `use_json` (default false): one JSON object a line.
    pub use_json: bool,
    /// `default_log_levels`: logger name and level, as given.
    pub default_log_levels: Vec<(String, String)>,
}
