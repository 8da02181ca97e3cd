//! What was set, where, without secrets: for `check-config` and `doctor`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use super::fault::Origin;

/// Stands for a secret.
pub(super) const HIDDEN: &str = "***";

/// One value that is set somewhere. A secret's value is `***`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The value after substitution, or `***`.
    pub value: String,
    /// Where it was set.
    pub origin: Origin,
}

/// All options that this program reads and that something sets, and the files it read.
///
/// Displays one option a line, sections sorted: `[DEFAULT] host = ctl1  # /etc/cinder/cinder.conf:3`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Description {
    /// Files in the order of reading; a later one wins.
    pub files: Vec<PathBuf>,
    /// By section and key.
    pub settings: BTreeMap<(String, String), Setting>,
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for file in &self.files {
            writeln!(f, "# file {}", file.display())?;
        }
        for ((section, key), Setting { value, origin }) in &self.settings {
            let value = value.replace('\n', "\\n");
            writeln!(f, "[{section}] {key} = {value}  # {origin}")?;
        }
        Ok(())
    }
}
