//! Files that are kept: `taken-...` must be taken, `refused-...` must not.

use std::path::Path;

use super::look;
use super::oracle::{Oracle, objection};

/// Names and contents.
pub(super) fn files() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/image_inspect/corpus");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[test]
fn each_is_as_it_was_found_to_be() {
    let mut oracle = Oracle::start();
    let files = files();
    assert!(files.len() >= 12, "{} files", files.len());
    for (name, bytes) in files {
        match look(&bytes) {
            Ok(taken) => {
                assert!(name.starts_with("taken-"), "{name}: {taken:?}");
                assert_eq!(objection(taken, &oracle.ask(&bytes)), None, "{name}");
            }
            Err(error) => assert!(name.starts_with("refused-"), "{name}: {error}"),
        }
    }
}
