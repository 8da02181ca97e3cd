//! `LogLevel`: level of the loggers whose name begins with a prefix.

use super::{Field, Kind, Versioned, versioned};

const FIELDS: &[Field] = &[
    Field::opt("prefix", Kind::Text),
    Field::opt("level", Kind::Text),
];

versioned! {
    /// A log level to set, or one found.
    LogLevel (1, 0), FIELDS
}

versioned! {
    /// Log levels found.
    LogLevelList (1, 0), &[Field::req("objects", Kind::Objects(LogLevel::spec))]
}

impl LogLevel {
    /// Beginning of the names of loggers; empty means all.
    pub fn prefix(&self) -> Option<&str> {
        self.text("prefix")
    }

    /// `DEBUG`, `INFO`, `WARNING` or `ERROR`, in any case.
    pub fn level(&self) -> Option<&str> {
        self.text("level")
    }
}

impl LogLevelList {
    /// The levels.
    pub fn levels(&self) -> Vec<LogLevel> {
        self.objects("objects")
    }
}
