//! Where options come from: files of the oslo.config dialect and TOML files, merged by figment.
//!
//! Each key becomes a list of occurrences in figment's tree; `admerge` appends those of later
//! files. The last occurrence wins for a plain option, all of them count for a repeatable one,
//! and each still knows its file and line. Nothing outside this file sees figment.

mod ini;
mod search;
mod toml;

use std::collections::BTreeMap;
use std::path::PathBuf;

use figment::value::{Dict, Value};
use figment::{Figment, Profile, Provider};

use super::fault::{Fault, Origin};
pub(super) use search::{Env, files};

/// A value before substitution and conversion.
#[derive(Clone)]
pub(super) enum Text {
    /// One text, in a list option still to be cut at commas.
    One(String),
    /// An array of a TOML file.
    Many(Vec<String>),
}

/// One occurrence of a key.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) text: Text,
    pub(super) origin: Origin,
    /// Position of its file: a higher one wins.
    pub(super) rank: usize,
    /// TOML values are taken as they are, without `$` substitution.
    pub(super) literal: bool,
}

/// All files, merged: section, key, occurrences in file order.
#[derive(Default)]
pub(super) struct Tree {
    sections: BTreeMap<String, BTreeMap<String, Vec<Entry>>>,
}

/// Section names are the same in any case, but for `DEFAULT` (oslo.config's rule).
pub(super) fn normalize(section: &str) -> String {
    if section == "DEFAULT" {
        section.to_owned()
    } else {
        section.to_lowercase()
    }
}

impl Tree {
    /// Occurrences of a key, the earliest first.
    pub(super) fn entries(&self, section: &str, key: &str) -> &[Entry] {
        self.sections
            .get(&normalize(section))
            .and_then(|keys| keys.get(key))
            .map_or(&[], Vec::as_slice)
    }

    /// Whether some file has the section.
    pub(super) fn has_section(&self, section: &str) -> bool {
        self.sections.contains_key(&normalize(section))
    }
}

/// Reads and merges `paths`; faults of unreadable files and lines are added to `faults`.
pub(super) fn read(paths: &[PathBuf], faults: &mut Vec<Fault>) -> Tree {
    let mut figment = Figment::new();
    for (rank, path) in paths.iter().enumerate() {
        let text = match std::fs::read(path).map(String::from_utf8) {
            Ok(Ok(text)) => text,
            Ok(Err(_)) => {
                faults.push(Fault::file(path, None, "is not UTF-8 text", "UTF-8"));
                continue;
            }
            Err(error) => {
                let allowed = "a readable file";
                faults.push(Fault::file(
                    path,
                    None,
                    format!("cannot be read: {error}"),
                    allowed,
                ));
                continue;
            }
        };
        figment = if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            figment.admerge(toml::TomlFile::parse(path, rank, &text, faults))
        } else {
            figment.admerge(ini::OsloFile::parse(path, rank, &text, faults))
        };
    }
    let mut tree = Tree {
        sections: BTreeMap::new(),
    };
    // The providers hold parsed data and never fail; were figment to, nothing would be set.
    let data = figment.data().unwrap_or_default();
    for (section, keys) in data.get(&Profile::Default).into_iter().flatten() {
        let Some(keys) = keys.as_dict() else { continue };
        let into = tree.sections.entry(section.clone()).or_default();
        for (key, occurrences) in keys {
            let entries = occurrences.as_array().into_iter().flatten();
            into.insert(
                key.clone(),
                entries.filter_map(|value| entry(&figment, value)).collect(),
            );
        }
    }
    tree
}

/// Adds an occurrence to the dictionary that a provider gives to figment.
fn add(
    sections: &mut Dict,
    section: &str,
    key: &str,
    rank: usize,
    line: usize,
    text: Value,
    literal: bool,
) {
    let mut occurrence = Dict::new();
    occurrence.insert("text".to_owned(), text);
    occurrence.insert("line".to_owned(), Value::from(line));
    occurrence.insert("rank".to_owned(), Value::from(rank));
    occurrence.insert("literal".to_owned(), Value::from(literal));
    let keys = sections
        .entry(section.to_owned())
        .or_insert_with(|| Value::from(Dict::new()));
    if let Value::Dict(_, keys) = keys {
        let list = keys
            .entry(key.to_owned())
            .or_insert_with(|| Value::from(Vec::<Value>::new()));
        if let Value::Array(_, list) = list {
            list.push(Value::from(occurrence));
        }
    }
}

/// Reads an occurrence back; its file is what figment recorded for the value's tag.
fn entry(figment: &Figment, value: &Value) -> Option<Entry> {
    let dict = value.as_dict()?;
    let number = |name: &str| dict.get(name)?.to_u128()?.try_into().ok();
    let text = match dict.get("text")? {
        Value::Array(_, items) => Text::Many(
            items
                .iter()
                .filter_map(|item| item.as_str().map(str::to_owned))
                .collect(),
        ),
        other => Text::One(other.as_str()?.to_owned()),
    };
    let path = figment
        .get_metadata(value.tag())
        .and_then(|metadata| metadata.source.as_ref())
        .and_then(|source| source.file_path())
        .map(PathBuf::from)?;
    Some(Entry {
        text,
        origin: Origin::File {
            path,
            line: number("line")?,
        },
        rank: number("rank")?,
        literal: dict.get("literal").and_then(Value::to_bool)?,
    })
}
