//! A TOML file as a figment provider: tables are sections, values are taken literally.

use std::path::{Path, PathBuf};

use ::toml::de::{DeTable, DeValue};
use figment::value::{Dict, Map, Value};
use figment::{Error, Metadata, Profile, Provider};

use super::{Fault, add, normalize};

/// A parsed file.
pub(super) struct TomlFile {
    path: PathBuf,
    sections: Dict,
}

impl TomlFile {
    /// Reads the text of `path`; what does not fit is added to `faults`.
    pub(super) fn parse(path: &Path, rank: usize, text: &str, faults: &mut Vec<Fault>) -> Self {
        let mut file = Self {
            path: path.to_owned(),
            sections: Dict::new(),
        };
        let line = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
        let root = match DeTable::parse(text) {
            Ok(root) => root.into_inner(),
            Err(error) => {
                let at = error.span().map(|span| line(span.start));
                // The message alone: the full error quotes the line, which may hold a secret.
                faults.push(Fault::file(path, at, error.message(), "TOML"));
                return file;
            }
        };
        for (section, keys) in root {
            let at = line(section.span().start);
            let DeValue::Table(keys) = keys.into_inner() else {
                let problem = "an option outside of a table";
                faults.push(Fault::file(
                    path,
                    Some(at),
                    problem,
                    "[DEFAULT] and other tables",
                ));
                continue;
            };
            let section = normalize(section.get_ref());
            file.sections
                .entry(section.clone())
                .or_insert_with(|| Value::from(Dict::new()));
            for (key, value) in keys {
                let at = line(key.span().start);
                let Some(value) = text_of(value.into_inner()) else {
                    let origin = super::Origin::File {
                        path: path.to_owned(),
                        line: at,
                    };
                    let problem = "a TOML value that no option takes";
                    let allowed = "string, number, boolean, array of these, or a table for JSON";
                    faults.push(Fault::option(
                        &section,
                        key.get_ref(),
                        Some(&origin),
                        problem,
                        allowed,
                    ));
                    continue;
                };
                add(
                    &mut file.sections,
                    &section,
                    key.get_ref(),
                    rank,
                    at,
                    value,
                    true,
                );
            }
        }
        file
    }
}

/// Text, an array of texts, or a table as JSON text.
fn text_of(value: DeValue<'_>) -> Option<Value> {
    match value {
        DeValue::Array(items) => items
            .into_iter()
            .map(|item| json_of(item.into_inner()).map(|json| Value::from(plain(json))))
            .collect::<Option<Vec<Value>>>()
            .map(Value::from),
        other => json_of(other).map(|json| Value::from(plain(json))),
    }
}

fn plain(json: serde_json::Value) -> String {
    match json {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    }
}

fn json_of(value: DeValue<'_>) -> Option<serde_json::Value> {
    Some(match value {
        DeValue::String(text) => text.into_owned().into(),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .ok()?
            .into(),
        DeValue::Float(number) => number.as_str().parse::<f64>().ok()?.into(),
        DeValue::Boolean(value) => value.into(),
        DeValue::Datetime(_) => return None,
        DeValue::Array(items) => items
            .into_iter()
            .map(|item| json_of(item.into_inner()))
            .collect::<Option<Vec<_>>>()?
            .into(),
        DeValue::Table(keys) => keys
            .into_iter()
            .map(|(key, value)| Some((key.into_inner().into_owned(), json_of(value.into_inner())?)))
            .collect::<Option<serde_json::Map<_, _>>>()?
            .into(),
    })
}

impl Provider for TomlFile {
    fn metadata(&self) -> Metadata {
        Metadata::from("TOML file", self.path.as_path())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Map::from([(Profile::Default, self.sections.clone())]))
    }
}
