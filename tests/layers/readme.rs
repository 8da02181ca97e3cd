//! What README and the index of decisions say, compared with what is there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cinder_volume_xtremio::cli::args::Cli;
use clap::CommandFactory as _;

use super::allowed;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Names of the files and folders in a folder of the repository.
fn entries(folder: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let names = std::fs::read_dir(path).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

/// Cells of the table rows below a heading, up to the next heading; the head row left out.
fn table(text: &str, heading: &str) -> Vec<Vec<String>> {
    let text = format!("\n{text}");
    let below = text.split_once(&format!("\n{heading}\n"));
    let (_, below) = below.unwrap_or_else(|| panic!("no heading {heading:?}"));
    let section = below.split("\n#").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with('|'));
    let cells = |row: &str| {
        let cells = row.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().to_owned()).collect()
    };
    let found: Vec<Vec<String>> = rows.skip(2).map(cells).collect();
    assert!(!found.is_empty(), "no table below {heading:?}");
    found
}

/// The words in backticks.
fn quoted(cell: &str) -> BTreeSet<String> {
    let words = cell.split('`').skip(1).step_by(2);
    words.map(str::to_owned).collect()
}

#[test]
fn the_room_map_is_the_table_that_is_enforced() {
    let shown: BTreeMap<String, String> = table(&read("README.md"), "## Rooms")
        .into_iter()
        .map(|row| (row[0].trim_matches('`').to_owned(), row[2].clone()))
        .collect();
    let mut rooms: BTreeSet<String> = entries("src")
        .iter()
        .map(|name| name.trim_end_matches(".rs").to_owned())
        .collect();
    rooms.retain(|room| room != "main" && room != "lib");
    assert_eq!(shown.keys().cloned().collect::<BTreeSet<_>>(), rooms);
    let allowed = allowed();
    for (room, may) in &shown {
        let Some(enforced) = allowed.get(room.as_str()) else {
            assert_eq!(may, "all", "room {room}");
            continue;
        };
        let enforced: BTreeSet<String> = enforced.iter().map(|r| (*r).to_owned()).collect();
        assert_eq!(quoted(may), enforced, "room {room}");
        assert_eq!(may == "none", enforced.is_empty(), "room {room}");
    }
}

#[test]
fn every_make_target_that_is_named_exists() {
    let makefile = read("Makefile");
    let targets: BTreeSet<&str> = makefile
        .lines()
        .filter(|line| !line.starts_with(['\t', '.', '#']))
        .filter_map(|line| line.split_once(':'))
        .map(|(target, _)| target.trim())
        .collect();
    let mut named = BTreeSet::new();
    for file in ["README.md", "tests/lab/README.md"] {
        let text = read(file);
        let code = text
            .lines()
            .flat_map(|line| match line.strip_prefix("    ") {
                Some(code) => vec![code.to_owned()],
                None => quoted(line).into_iter().collect(),
            });
        for target in code.filter_map(|code| Some(code.strip_prefix("make ")?.to_owned())) {
            let target = target.split_whitespace().next().unwrap().to_owned();
            assert!(
                targets.contains(target.as_str()),
                "{file}: no make {target}"
            );
            named.insert(target);
        }
    }
    assert!(
        named.contains("demo") && named.contains("test"),
        "{named:?}"
    );
}

#[test]
fn every_subcommand_and_every_stage_is_listed() {
    let text = read("README.md");
    let first = |row: Vec<String>| quoted(&row[0]);
    let listed: BTreeSet<String> = table(&text, "## Subcommands")
        .into_iter()
        .flat_map(first)
        .collect();
    let cli = Cli::command();
    let there = cli.get_subcommands().map(|c| c.get_name().to_owned());
    assert_eq!(listed, there.collect());

    let listed: BTreeSet<String> = table(&text, "## Tests")
        .into_iter()
        .flat_map(first)
        .collect();
    let script = read("tests/lab/test.sh");
    let (_, stages) = script.split_once("\nall=(").unwrap();
    let stages = stages.split(')').next().unwrap().split_whitespace();
    assert_eq!(listed, stages.map(str::to_owned).collect());
}

#[test]
fn the_index_of_decisions_is_complete() {
    let index = read("docs/decisions/README.md");
    let listed: BTreeSet<(String, String)> = table(&index, "# Decisions")
        .into_iter()
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    let mut there = BTreeSet::new();
    for name in entries("docs/decisions") {
        if name == "README.md" {
            continue;
        }
        let text = read(&format!("docs/decisions/{name}"));
        let title = text.lines().next().unwrap().trim_start_matches("# ");
        let (number, title) = title.split_once(": ").unwrap();
        assert!(name.starts_with(&format!("{number}-")), "{name}: {number}");
        there.insert((format!("[{number}]({name})"), title.to_owned()));
    }
    assert_eq!(listed, there);
}
