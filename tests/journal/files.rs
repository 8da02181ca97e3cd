//! Which files are made, taken and refused.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use cinder_volume_xtremio::journal::{Journal, JournalError};

use super::{HOST, close, ids, intent, large, place, sqlite, starts};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[tokio::test]
async fn only_the_owner_may_read_it() {
    let (_folder, path) = place();
    let journal = Journal::open(&path).unwrap();
    starts(&journal, &intent("a")).await;
    let wal = path.with_extension("sqlite-wal");
    let shm = path.with_extension("sqlite-shm");
    for file in [&path, &wal, &shm] {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
    close(journal).await;

    fs::set_permissions(&path, fs::Permissions::from_mode(0o664)).unwrap();
    let journal = Journal::open(&path).unwrap();
    starts(&journal, &intent("b")).await;
    for file in [&path, &wal, &shm] {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn a_path_is_not_read_as_a_uri() {
    let (folder, _) = place();
    let path = folder.path().join("file:a%20b?mode=memory");
    let journal = Journal::open(&path).unwrap();
    starts(&journal, &intent("a")).await;
    close(journal).await;
    let journal = Journal::open(&path).unwrap();
    assert_eq!(ids(&journal.intents(HOST).await.unwrap()), ["a"]);
}

#[tokio::test]
async fn an_empty_file_is_taken() {
    let (folder, _) = place();
    let path = folder.path().join("journal");
    fs::write(&path, "").unwrap();
    let journal = Journal::open(&path).unwrap();
    assert_eq!(starts(&journal, &intent("a")).await, 1);
    assert_eq!(mode(&path), 0o600);
}

/// Opens a file that must be refused and left as it is; its path must be in the error.
fn refused(path: &Path) -> JournalError {
    fs::set_permissions(path, fs::Permissions::from_mode(0o640)).unwrap();
    let before = fs::read(path).unwrap();
    let error = Journal::open(path).unwrap_err();
    assert!(fs::read(path).unwrap() == before, "the file was changed");
    assert_eq!(mode(path), 0o640);
    let text = error.to_string();
    assert!(text.contains(path.to_str().unwrap()), "{text}");
    assert!(!error.is_outage(), "{error:?}");
    error
}

#[test]
fn garbage_is_refused() {
    let (folder, _) = place();
    let path = folder.path().join("journal");
    for garbage in [
        &b"x"[..],
        b"not a database",
        &[7; 300],
        &[0; 600],
        &[7; 10_000],
    ] {
        fs::write(&path, garbage).unwrap();
        let error = refused(&path);
        assert!(matches!(error, JournalError::Corrupt { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_damaged_journal_is_refused() {
    let (_folder, path) = place();
    let journal = Journal::open(&path).unwrap();
    for i in 0..20 {
        starts(&journal, &large(&i.to_string(), 5_000)).await;
    }
    close(journal).await;
    let whole = fs::read(&path).unwrap();

    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let error = refused(&path);
    assert!(matches!(error, JournalError::Corrupt { .. }), "{error:?}");

    let mut bad = whole.clone();
    bad[4096..8192].fill(0xff);
    fs::write(&path, bad).unwrap();
    let error = refused(&path);
    assert!(matches!(error, JournalError::Corrupt { .. }), "{error:?}");

    fs::write(&path, whole).unwrap();
    let journal = Journal::open(&path).unwrap();
    assert_eq!(journal.intents(HOST).await.unwrap().len(), 20);
}

#[tokio::test]
async fn a_newer_journal_is_refused() {
    let (_folder, path) = place();
    close(Journal::open(&path).unwrap()).await;
    sqlite(&path)
        .pragma_update(None, "user_version", 2)
        .unwrap();
    let error = refused(&path);
    let newer = matches!(
        error,
        JournalError::Newer {
            found: 2,
            known: 1,
            ..
        }
    );
    assert!(newer, "{error:?}");
}

#[test]
fn the_database_of_something_else_is_refused() {
    let (folder, _) = place();
    let path = folder.path().join("cinder.sqlite");
    sqlite(&path)
        .execute_batch("CREATE TABLE volumes (id TEXT)")
        .unwrap();
    let error = refused(&path);
    assert!(matches!(error, JournalError::Foreign { .. }), "{error:?}");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let (folder, _) = place();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let path = file.join("journal");
    let error = Journal::open(&path).unwrap_err();
    assert!(matches!(error, JournalError::Setup { .. }), "{error:?}");
    assert!(
        error.to_string().contains(path.to_str().unwrap()),
        "{error}"
    );
    assert!(!error.is_outage());
}
