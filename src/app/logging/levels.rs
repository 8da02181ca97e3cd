//! Levels by target, with the names of Python's loggers mapped to ours.

use std::collections::BTreeMap;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

use crate::bus::BODIES_LOG_TARGET;
use crate::config::LoggingOptions;

/// Libraries that say too much at INFO.
const QUIET: [&str; 12] = [
    "lapin",
    "sqlx",
    "sea_orm",
    "sea_query",
    "hyper",
    "hyper_util",
    "h2",
    "reqwest",
    "rustls",
    "tokio",
    "mio",
    "backoff",
];

/// The level that a word names, as Python and Cinder's set-log call spell it.
pub fn parse_level(word: &str) -> Option<LevelFilter> {
    Some(match word.to_ascii_uppercase().as_str() {
        "TRACE" => LevelFilter::TRACE,
        "DEBUG" => LevelFilter::DEBUG,
        "INFO" => LevelFilter::INFO,
        "WARN" | "WARNING" => LevelFilter::WARN,
        "ERROR" | "CRITICAL" | "FATAL" => LevelFilter::ERROR,
        _ => return None,
    })
}

/// The default level and its exceptions.
#[derive(Debug)]
pub(super) struct Levels {
    default: LevelFilter,
    targets: BTreeMap<String, LevelFilter>,
}

impl Levels {
    pub(super) fn new(options: &LoggingOptions) -> Self {
        let default = if options.debug {
            LevelFilter::DEBUG
        } else {
            LevelFilter::INFO
        };
        let quiet = QUIET
            .iter()
            .map(|name| ((*name).to_owned(), LevelFilter::WARN));
        let mut levels = Self {
            default,
            targets: quiet.collect(),
        };
        for (name, level) in &options.default_log_levels {
            if let Some(level) = parse_level(level) {
                for target in ours(name) {
                    levels.targets.insert(target, level);
                }
            }
        }
        levels
    }

    pub(super) fn set(&mut self, prefix: &str, level: LevelFilter) {
        if prefix.is_empty() {
            self.default = level;
            self.targets.values_mut().for_each(|old| *old = level);
            return;
        }
        for target in ours(prefix) {
            let below = format!("{target}::");
            self.targets.retain(|name, _| !name.starts_with(&below));
            self.targets.insert(target, level);
        }
    }

    pub(super) fn all(&self) -> BTreeMap<String, LevelFilter> {
        let mut all = self.targets.clone();
        all.insert(String::new(), self.default);
        all
    }

    pub(super) fn targets(&self) -> Targets {
        let targets = self
            .targets
            .iter()
            .map(|(name, level)| match name.split("::").next() {
                // lapin's TRACE is the bodies of frames, logins and replies among them.
                Some("lapin") => (name.clone(), (*level).min(LevelFilter::DEBUG)),
                _ => (name.clone(), *level),
            });
        Targets::new()
            .with_default(self.default)
            .with_targets(targets)
            // Last, so that no option and no request turns it on.
            .with_target(BODIES_LOG_TARGET, LevelFilter::OFF)
    }
}

/// Our targets for a logger name: a Python logger stands for the crates that do its work.
fn ours(name: &str) -> Vec<String> {
    let crates: &[&str] = match name.split('.').next().unwrap_or_default() {
        "cinder" => &["cinder_volume_xtremio"],
        "amqp" | "kombu" => &["lapin"],
        "oslo_messaging" => &["cinder_volume_xtremio::bus"],
        "oslo" if name.starts_with("oslo.messaging") => &["cinder_volume_xtremio::bus"],
        "sqlalchemy" | "oslo_db" => &["sqlx", "sea_orm"],
        "requests" | "urllib3" => &["reqwest", "hyper", "hyper_util"],
        _ => return vec![name.to_owned()],
    };
    crates.iter().map(|name| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;
    use crate::config::LoggingOptions;

    /// At the most talkative level, however it is asked for.
    #[test]
    fn bodies_of_messages_are_never_logged() {
        let options = LoggingOptions {
            debug: true,
            default_log_levels: vec![("amqp".to_owned(), "TRACE".to_owned())],
            ..LoggingOptions::default()
        };
        let mut levels = Levels::new(&options);
        for prefix in ["amqp", "lapin", "lapin::returned_messages", ""] {
            levels.set(prefix, LevelFilter::TRACE);
            let targets = levels.targets();
            assert!(!targets.would_enable("lapin::returned_messages", &Level::ERROR));
            assert!(!targets.would_enable("lapin::channel", &Level::TRACE));
            assert!(targets.would_enable("lapin::channel", &Level::DEBUG));
        }
    }
}
