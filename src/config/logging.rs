//! oslo.log options.

use std::path::{Path, PathBuf};

use super::convert;
use super::option::Opt;
use super::reader::Reader;

/// Syslog facilities by their names in `syslog_log_facility`, and their codes (RFC 3164).
pub const SYSLOG_FACILITIES: [(&str, u8); 20] = [
    ("LOG_KERN", 0),
    ("LOG_USER", 1),
    ("LOG_MAIL", 2),
    ("LOG_DAEMON", 3),
    ("LOG_AUTH", 4),
    ("LOG_SYSLOG", 5),
    ("LOG_LPR", 6),
    ("LOG_NEWS", 7),
    ("LOG_UUCP", 8),
    ("LOG_CRON", 9),
    ("LOG_AUTHPRIV", 10),
    ("LOG_FTP", 11),
    ("LOG_LOCAL0", 16),
    ("LOG_LOCAL1", 17),
    ("LOG_LOCAL2", 18),
    ("LOG_LOCAL3", 19),
    ("LOG_LOCAL4", 20),
    ("LOG_LOCAL5", 21),
    ("LOG_LOCAL6", 22),
    ("LOG_LOCAL7", 23),
];

/// Where and how to log.
#[derive(Debug, Clone, Default)]
pub struct LoggingOptions {
    /// `debug` (default false).
    pub debug: bool,
    /// `log_file` (old name `logfile`), joined with `log_dir`; `None` logs to standard error.
    pub log_file: Option<PathBuf>,
    /// `use_stderr` (default false): standard error as well, when a file, syslog or the journal is used.
    pub use_stderr: bool,
    /// `use_syslog` (default false).
    pub use_syslog: bool,
    /// `syslog_log_facility` (default `LOG_USER`), one of [`SYSLOG_FACILITIES`]; empty means the default.
    pub syslog_log_facility: String,
    /// `use_journal` (default false).
    pub use_journal: bool,
    /// `use_json` (default false): one JSON object a line.
    pub use_json: bool,
    /// `default_log_levels`: logger name and level, as given.
    pub default_log_levels: Vec<(String, String)>,
}

/// Reads the options of oslo.log.
pub(super) fn read(r: &mut Reader<'_>) -> LoggingOptions {
    let opt = Opt::default;
    let file = r.filled(&opt("log_file").old(&[("DEFAULT", "logfile")]));
    let dir = r.filled(&opt("log_dir").old(&[("DEFAULT", "logdir")]));
    let log_file = match (file, dir) {
        (None, None) => None,
        (Some((file, _)), None) => Some(PathBuf::from(file)),
        (Some((file, _)), Some((dir, _))) => Some(Path::new(&dir).join(file)),
        // oslo.log names the file after the program.
        (None, Some((dir, _))) => Some(Path::new(&dir).join("cinder-volume.log")),
    };
    let append = opt("log_config_append").old(&[("DEFAULT", "log_config")]);
    if let Some((_, origin)) = r.filled(&append) {
        r.warn(format!(
            "{origin}: [DEFAULT] log_config_append: a Python logging configuration has no meaning here and is not read"
        ));
    }
    LoggingOptions {
        debug: r.boolean(&opt("debug"), false),
        log_file,
        use_stderr: r.boolean(&opt("use_stderr"), false),
        use_syslog: r.boolean(&opt("use_syslog"), false),
        syslog_log_facility: facility(r),
        use_journal: r.boolean(&opt("use_journal"), false),
        use_json: r.boolean(&opt("use_json"), false),
        default_log_levels: levels(r),
    }
}

/// With or without `LOG_`, in any case, as oslo.log takes it.
fn facility(r: &mut Reader<'_>) -> String {
    let opt = Opt::default("syslog_log_facility");
    let Some((text, origin)) = r.filled(&opt) else {
        return "LOG_USER".to_owned();
    };
    let upper = text.trim().to_ascii_uppercase();
    let full = if upper.starts_with("LOG_") {
        upper
    } else {
        format!("LOG_{upper}")
    };
    if !SYSLOG_FACILITIES.iter().any(|(name, _)| *name == full) {
        let names: Vec<&str> = SYSLOG_FACILITIES.iter().map(|(name, _)| *name).collect();
        r.fault(
            &opt,
            Some(&origin),
            format!("{text:?} is not allowed"),
            names.join(", "),
        );
    }
    full
}

/// Pairs of logger and level; a pair that is none is a fault.
fn levels(r: &mut Reader<'_>) -> Vec<(String, String)> {
    const LEVELS: [&str; 8] = [
        "TRACE", "DEBUG", "INFO", "WARN", "WARNING", "ERROR", "CRITICAL", "FATAL",
    ];
    let opt = Opt::default("default_log_levels");
    let Some((items, origin)) = r.list(&opt) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    // A TOML array may hold several pairs in one text, too.
    for item in items.iter().flat_map(|item| convert::list(item)) {
        let pair = item
            .split_once('=')
            .map(|(name, level)| (name.trim(), level.trim()));
        match pair {
            Some((name, level)) if LEVELS.contains(&level.to_ascii_uppercase().as_str()) => {
                out.push((name.to_owned(), level.to_ascii_uppercase()));
            }
            _ => {
                let problem = format!("{item:?} is not allowed");
                r.fault(
                    &opt,
                    Some(&origin),
                    problem,
                    format!("LOGGER=LEVEL, LEVEL of {}", LEVELS.join(", ")),
                );
            }
        }
    }
    out
}
