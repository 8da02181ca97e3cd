//! Who may use whom: reads the `crate::` paths of every room and compares them with the table
//! of the README's room map.

mod readme;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What a room may name; rooms that are absent may use everything.
fn allowed() -> BTreeMap<&'static str, &'static [&'static str]> {
    BTreeMap::from([
        ("config", &[][..]),
        ("rpc", &[][..]),
        ("retry", &[][..]),
        ("filelock", &[][..]),
        ("kill", &[][..]),
        ("sim", &[][..]),
        ("db", &["config", "retry"][..]),
        ("journal", &["config", "retry"][..]),
        ("xms", &["config", "retry"][..]),
        ("image", &["config", "retry", "filelock"][..]),
        ("openstack", &["config", "retry"][..]),
        ("bus", &["config", "retry"][..]),
        ("backend", &["xms", "config"][..]),
        (
            "report",
            &["bus", "backend", "db", "config", "rpc", "retry"][..],
        ),
        (
            "manager",
            &[
                "rpc",
                "backend",
                "db",
                "journal",
                "report",
                "openstack",
                "image",
                "config",
                "retry",
                "filelock",
                "kill",
            ][..],
        ),
    ])
}

/// Libraries that only one room may name.
const OWNERS: [(&str, &[&str]); 7] = [
    ("lapin", &["bus"]),
    ("sea_orm", &["db"]),
    ("rusqlite", &["journal"]),
    ("reqwest", &["xms", "openstack"]),
    ("figment", &["config"]),
    ("backoff", &["retry"]),
    ("prometheus_client", &["report"]),
];

fn rust_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// `(room, file, line number, line)` of every code line under `src`.
fn lines() -> Vec<(String, String, usize, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&root, &mut files);
    let mut lines = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&root).unwrap();
        let first = relative.components().next().unwrap().as_os_str();
        let room = first.to_str().unwrap().trim_end_matches(".rs").to_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        for (number, line) in text.lines().enumerate() {
            let code = code_of(line);
            lines.push((
                room.clone(),
                relative.display().to_string(),
                number + 1,
                code,
            ));
        }
    }
    assert!(lines.len() > 100, "the sources were not found");
    lines
}

/// A line without its comment and without what stands in quotes.
fn code_of(line: &str) -> String {
    let code = line.split("//").next().unwrap_or_default();
    code.split('"').step_by(2).collect()
}

/// Identifiers that follow `prefix` in a line, with `{a, b}` lists taken apart.
fn named(line: &str, prefix: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in line.match_indices(prefix) {
        let rest = &line[at + prefix.len()..];
        let list = rest.strip_prefix('{').map_or_else(
            || vec![rest],
            |inner| inner.split(',').map(str::trim).collect(),
        );
        for item in list {
            let name: String = item
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            found.insert(name);
        }
    }
    found
}

#[test]
fn rooms_use_only_what_the_table_allows() {
    let allowed = allowed();
    let rooms: BTreeSet<String> = lines().iter().map(|l| l.0.clone()).collect();
    let mut broken = Vec::new();
    for (room, file, number, line) in lines() {
        let Some(may) = allowed.get(room.as_str()) else {
            continue;
        };
        for used in named(&line, "crate::") {
            if rooms.contains(&used) && used != room && !may.contains(&used.as_str()) {
                broken.push(format!("{file}:{number}: {room} must not use {used}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn libraries_stay_in_their_room() {
    let mut broken = Vec::new();
    for (room, file, number, line) in lines() {
        for (library, owners) in OWNERS {
            // names in strings are texts, such as the targets of log lines
            let uses = line
                .split('"')
                .step_by(2)
                .any(|code| code.contains(&format!("{library}::")));
            if uses && !owners.contains(&room.as_str()) {
                broken.push(format!("{file}:{number}: {room} must not use {library}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn files_stay_readable() {
    let mut lengths: BTreeMap<String, usize> = BTreeMap::new();
    for (_, file, number, _) in lines() {
        lengths.insert(file, number);
    }
    let long: Vec<_> = lengths.iter().filter(|(_, n)| **n > 600).collect();
    assert!(long.is_empty(), "split these: {long:?}");
}
