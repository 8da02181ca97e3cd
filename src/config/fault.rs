//! What is wrong with a configuration: every fault at once, and never a secret value.

use std::fmt;
use std::path::PathBuf;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file and the line (from 1) on which the assignment starts.
    File {
        /// The file as it was opened.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// The environment variable of this name.
    Environment(String),
    /// A flag of the command line.
    CommandLine,
    /// The query part of `transport_url`.
    UrlQuery,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::CommandLine => f.write_str("command line"),
            Self::UrlQuery => f.write_str("query of transport_url"),
        }
    }
}

/// One thing that is wrong, and what would be right. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file that holds the value; `None` when no file sets it.
    pub file: Option<PathBuf>,
    /// Its line there, from 1.
    pub line: Option<usize>,
    /// Section, empty when the fault is not about an option.
    pub section: String,
    /// Option name, empty when the fault is about a whole section or file.
    pub key: String,
    /// What is wrong.
    pub problem: String,
    /// What is allowed; empty when the problem says it.
    pub allowed: String,
}

impl Fault {
    /// A fault about an option; `origin` is `None` when nothing sets it.
    pub(super) fn option(
        section: &str,
        key: &str,
        origin: Option<&Origin>,
        problem: impl Into<String>,
        allowed: impl Into<String>,
    ) -> Self {
        let mut problem = problem.into();
        let (file, line) = match origin {
            Some(Origin::File { path, line }) => (Some(path.clone()), Some(*line)),
            Some(other) => {
                problem = format!("{problem} (from the {other})");
                (None, None)
            }
            None => (None, None),
        };
        Self {
            file,
            line,
            section: section.to_owned(),
            key: key.to_owned(),
            problem,
            allowed: allowed.into(),
        }
    }

    /// A fault about a file as such.
    pub(super) fn file(
        path: impl Into<PathBuf>,
        line: Option<usize>,
        problem: impl Into<String>,
        allowed: impl Into<String>,
    ) -> Self {
        Self {
            file: Some(path.into()),
            line,
            section: String::new(),
            key: String::new(),
            problem: problem.into(),
            allowed: allowed.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}", file.display())?;
            if let Some(line) = self.line {
                write!(f, ":{line}")?;
            }
            f.write_str(": ")?;
        }
        if !self.section.is_empty() {
            write!(f, "[{}] ", self.section)?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.problem)?;
        if !self.allowed.is_empty() {
            write!(f, "; allowed: {}", self.allowed)?;
        }
        Ok(())
    }
}

/// The configuration cannot be used. Displays one fault a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// At least one, in the order of the sections.
    pub faults: Vec<Fault>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
