//! A file of the oslo.config dialect as a figment provider.

use std::path::{Path, PathBuf};

use figment::value::{Dict, Map, Value};
use figment::{Error, Metadata, Profile, Provider};

use super::super::dialect;
use super::{Fault, add, normalize};

/// A parsed file.
pub(super) struct OsloFile {
    path: PathBuf,
    sections: Dict,
}

impl OsloFile {
    /// Reads the text of `path`; lines outside the dialect are added to `faults`.
    pub(super) fn parse(path: &Path, rank: usize, text: &str, faults: &mut Vec<Fault>) -> Self {
        let parsed = dialect::parse(text);
        let mut sections = Dict::new();
        for bad in parsed.bad_lines {
            let allowed = "[section], key = value, # comment, or an indented continuation line";
            faults.push(Fault::file(path, Some(bad.line), bad.problem, allowed));
        }
        for (name, _) in parsed.sections {
            sections
                .entry(normalize(&name))
                .or_insert_with(|| Value::from(Dict::new()));
        }
        for found in parsed.assignments {
            let section = normalize(&found.section);
            let value = Value::from(found.value);
            add(
                &mut sections,
                &section,
                &found.key,
                rank,
                found.line,
                value,
                false,
            );
        }
        Self {
            path: path.to_owned(),
            sections,
        }
    }
}

impl Provider for OsloFile {
    fn metadata(&self) -> Metadata {
        Metadata::from("oslo.config file", self.path.as_path())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Map::from([(Profile::Default, self.sections.clone())]))
    }
}
