//! The file: made with its mode, opened, told from other files, given its schema.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::stat::{Mode, SFlag, mknod};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::error::JournalError;
use super::types::JournalOptions;
use crate::retry::Delays;

/// Marks our files among SQLite databases ("CVXJ").
const APPLICATION_ID: i64 = 0x4356_584a;
/// Newest schema that we know.
const VERSION: i64 = 1;
const SCHEMA: &str = "
    CREATE TABLE intents (
        number INTEGER PRIMARY KEY,
        host TEXT NOT NULL,
        unique_id TEXT NOT NULL,
        method TEXT NOT NULL,
        resource TEXT,
        planned TEXT NOT NULL,
        details TEXT NOT NULL,
        starts INTEGER NOT NULL,
        first_started INTEGER NOT NULL,
        last_started INTEGER NOT NULL,
        UNIQUE (host, unique_id)
    ) STRICT;
    CREATE TABLE finishes (
        host TEXT NOT NULL,
        unique_id TEXT NOT NULL,
        method TEXT NOT NULL,
        resource TEXT,
        finished_at INTEGER NOT NULL,
        PRIMARY KEY (host, unique_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX finishes_by_time ON finishes (finished_at);
    CREATE TABLE probe (id INTEGER PRIMARY KEY, filling BLOB NOT NULL) STRICT;
";

/// An open journal file.
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) conn: Connection,
    /// Device and inode of what was opened.
    identity: (u64, u64),
}

impl File {
    /// Makes folder and file where they are missing, and opens the file.
    pub(super) fn open(path: &Path, options: &JournalOptions) -> Result<Self, JournalError> {
        create(path).map_err(|e| JournalError::setup(path, e))?;
        let failed = |e| JournalError::new(path, e);
        // neither CREATE (the mode would be the umask's) nor URI (a path is a path)
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut conn = Connection::open_with_flags(path, flags).map_err(failed)?;
        conn.busy_timeout(options.busy_timeout).map_err(failed)?;
        // SQLite does not wait in every case when several processes turn to WAL at once
        let until = Instant::now() + options.busy_timeout;
        let mut delays = Delays::new(Duration::from_millis(5), Duration::from_millis(100));
        loop {
            match prepare(&mut conn, path, options) {
                Err(JournalError::Busy { .. }) if Instant::now() < until => {
                    std::thread::sleep(delays.next_delay());
                }
                done => break done?,
            }
        }
        close_to_others(path).map_err(|e| JournalError::setup(path, e))?;
        let identity = identity(path).map_err(|e| JournalError::setup(path, e))?;
        Ok(Self {
            path: path.to_owned(),
            conn,
            identity,
        })
    }

    /// Fails if the path no longer names the file that is open: SQLite would go on writing to a
    /// file that nobody can open again.
    pub(super) fn check_there(&self) -> Result<(), JournalError> {
        match identity(&self.path) {
            Ok(found) if found == self.identity => Ok(()),
            _ => Err(JournalError::Gone {
                path: self.path.clone(),
            }),
        }
    }

    pub(super) fn error(&self, source: rusqlite::Error) -> JournalError {
        JournalError::new(&self.path, source)
    }
}

fn identity(path: &Path) -> std::io::Result<(u64, u64)> {
    let found = fs::metadata(path)?;
    Ok((found.dev(), found.ino()))
}

/// Makes the file empty with mode 0600.
///
/// It is made without being opened: closing any descriptor of it would release the locks of
/// every SQLite connection that this process has on it.
fn create(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    match mknod(path, SFlag::S_IFREG, Mode::S_IRUSR | Mode::S_IWUSR, 0) {
        Ok(()) | Err(Errno::EEXIST) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Takes others' rights from a file that had them, and from its companions.
fn close_to_others(path: &Path) -> std::io::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let mode = match fs::metadata(&name) {
            Ok(found) => found.permissions().mode() & 0o777,
            // a companion goes when another process closes the file
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
            Err(e) => return Err(e),
        };
        if mode & 0o077 != 0 {
            fs::set_permissions(&name, fs::Permissions::from_mode(0o600))?;
        }
    }
    Ok(())
}

/// Looks at the file before the first change, then sets the connection up.
fn prepare(
    conn: &mut Connection,
    path: &Path,
    options: &JournalOptions,
) -> Result<(), JournalError> {
    if !known(conn, path)? {
        nothing_in(path)?;
    }
    configure(conn, options).map_err(|e| JournalError::new(path, e))?;
    create_schema(conn, path)?;
    let found: String = conn
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|e| JournalError::new(path, e))?;
    if found != "ok" {
        return Err(JournalError::Corrupt {
            path: path.to_owned(),
            reason: found,
            source: None,
        });
    }
    Ok(())
}

/// Whether the file has our schema; `false` if it is empty.
fn known(conn: &Connection, path: &Path) -> Result<bool, JournalError> {
    let failed = |e| JournalError::new(path, e);
    let number = |sql| conn.query_row(sql, [], |row| row.get::<_, i64>(0));
    let objects = number("SELECT count(*) FROM sqlite_master").map_err(failed)?;
    let application = number("PRAGMA application_id").map_err(failed)?;
    let version = number("PRAGMA user_version").map_err(failed)?;
    if objects == 0 && application == 0 && version == 0 {
        return Ok(false);
    }
    let path = path.to_owned();
    if application != APPLICATION_ID {
        return Err(JournalError::Foreign { path });
    }
    if version > VERSION {
        return Err(JournalError::Newer {
            path,
            found: version,
            known: VERSION,
        });
    }
    Ok(true)
}

/// Refuses a file that SQLite takes for an empty one although it is not: one of a single byte.
fn nothing_in(path: &Path) -> Result<(), JournalError> {
    let found = fs::metadata(path).map_err(|e| JournalError::setup(path, e))?;
    if (1..100).contains(&found.len()) {
        return Err(JournalError::Corrupt {
            path: path.to_owned(),
            reason: "shorter than the header of a database".into(),
            source: None,
        });
    }
    Ok(())
}

fn configure(conn: &Connection, options: &JournalOptions) -> rusqlite::Result<()> {
    // answers with the mode that holds now
    let mode: String = conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        let refused = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR);
        let text = format!("this file system allows journal mode {mode} only, not WAL");
        return Err(rusqlite::Error::SqliteFailure(refused, Some(text)));
    }
    // FULL: in WAL mode NORMAL would not sync at a commit
    conn.execute_batch("PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY")?;
    if let Some(pages) = options.max_pages {
        let sql = format!("PRAGMA max_page_count = {pages}");
        conn.query_row(&sql, [], |_| Ok(()))?;
    }
    Ok(())
}

/// Gives an empty file our tables; of several processes at once, one does.
fn create_schema(conn: &mut Connection, path: &Path) -> Result<(), JournalError> {
    let failed = |e| JournalError::new(path, e);
    let change = conn
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    if !known(&change, path)? {
        change.execute_batch(SCHEMA).map_err(failed)?;
        change
            .pragma_update(None, "application_id", APPLICATION_ID)
            .map_err(failed)?;
        change
            .pragma_update(None, "user_version", VERSION)
            .map_err(failed)?;
    }
    change.commit().map_err(failed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_commit_is_a_sync() {
        let folder = tempfile::tempdir().unwrap();
        let file = File::open(&folder.path().join("j"), &JournalOptions::default()).unwrap();
        let pragma = |name| {
            file.conn
                .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
                .unwrap()
        };
        assert_eq!(pragma("synchronous"), 2.into());
        assert_eq!(pragma("journal_mode"), "wal".to_owned().into());
        assert_eq!(pragma("busy_timeout"), 5000.into());
    }
}
