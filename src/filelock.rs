//! Lock files that Python programs honour too: oslo.concurrency and tooz both keep them by
//! `fcntl.lockf`.
//!
//! That is a POSIX lock of the whole file. Ours are open file description locks: they conflict
//! with POSIX locks of other processes, and unlike them also with each other inside one process,
//! and they do not end when some other descriptor of the file closes.
//!
//! A file may be removed by its holder. Whoever opened it before and locks it afterwards would
//! hold a file that nobody finds any more, so every taker compares the file it has locked with
//! the one that the path names, and tries again if they differ. Python makes no such check: a
//! file may only be removed once what it guards is gone for good, so that a Python process that
//! had waited on the removed file finds nothing to work on.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use tokio::task::spawn_blocking;
use tracing::warn;

/// Holds a lock file until dropped.
#[derive(Debug)]
pub struct FileGuard {
    // Closing it ends the lock. No child has a copy: it is opened close-on-exec.
    file: File,
    path: PathBuf,
    /// Remove the file before the lock ends.
    pub remove: bool,
}

/// What became of one try.
#[derive(Debug)]
enum Try {
    Locked(File),
    /// Another open file has the lock.
    Held,
    /// Locked, but the path names another file by now, or none.
    Removed,
}

impl FileGuard {
    /// Locks the file, made if it is missing; `None` if another holds it.
    ///
    /// # Errors
    /// What the file system says.
    pub fn take(path: PathBuf) -> io::Result<Option<Self>> {
        loop {
            match lock_opened(open(&path)?, &path)? {
                Try::Locked(file) => return Ok(Some(Self::of(file, path))),
                Try::Held => return Ok(None),
                Try::Removed => {}
            }
        }
    }

    /// The same on a thread of its own: file systems can hang (the folder may be on NFS), which
    /// must not stop other tasks.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn take_off_thread(path: PathBuf) -> io::Result<Option<Self>> {
        let taken = spawn_blocking(move || Self::take(path)).await;
        taken.unwrap_or_else(|e| Err(io::Error::other(e)))
    }

    /// Removes the file unless somebody holds it.
    ///
    /// # Errors
    /// What the file system says, also if there is none.
    pub fn remove_idle(path: PathBuf) -> io::Result<()> {
        let file = OpenOptions::new().append(true).open(&path)?;
        if let Try::Locked(file) = lock_opened(file, &path)? {
            let mut guard = Self::of(file, path);
            guard.remove = true;
        }
        Ok(())
    }

    fn of(file: File, path: PathBuf) -> Self {
        Self {
            file,
            path,
            remove: false,
        }
    }

    /// Not somebody else's file, should ours have been removed while we held it.
    fn unlink(&self) -> io::Result<()> {
        if is_at(&self.file, &self.path)? {
            fs::remove_file(&self.path)?;
        }
        Ok(())
    }
}

impl Drop for FileGuard {
    fn drop(&mut self) {
        if self.remove
            && let Err(error) = self.unlink()
        {
            warn!(file = %self.path.display(), %error, "cannot remove a lock file");
        }
    }
}

/// Opens as fasteners does: for appending, so that whatever a link points to stays whole.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    match options.open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            options.open(path)
        }
        opened => opened,
    }
}

fn lock_opened(file: File, path: &Path) -> io::Result<Try> {
    let whole = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        // must be zero for locks of this kind
        l_pid: 0,
    };
    match fcntl(&file, FcntlArg::F_OFD_SETLK(&whole)) {
        Ok(_) if is_at(&file, path)? => Ok(Try::Locked(file)),
        Ok(_) => Ok(Try::Removed),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(Try::Held),
        Err(errno) => Err(errno.into()),
    }
}

/// Whether the path names this very file.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let named = match fs::metadata(path) {
        Ok(named) => named,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let ours = file.metadata()?;
    Ok((ours.dev(), ours.ino()) == (named.dev(), named.ino()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn a_file_removed_between_opening_and_locking_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let early = open(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let lost = lock_opened(early, &path).unwrap();
        assert!(matches!(lost, Try::Removed), "{lost:?}");

        let early = open(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let holder = FileGuard::take(path.clone()).unwrap().unwrap();
        let lost = lock_opened(early, &path).unwrap();
        assert!(matches!(lost, Try::Removed), "{lost:?}");
        assert!(FileGuard::take(path.clone()).unwrap().is_none());
        drop(holder);
        assert!(FileGuard::take(path).unwrap().is_some());
    }

    #[test]
    fn only_its_own_file_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let mut first = FileGuard::take(path.clone()).unwrap().unwrap();
        fs::remove_file(&path).unwrap();
        let _second = FileGuard::take(path.clone()).unwrap().unwrap();
        first.remove = true;
        drop(first);
        assert!(path.exists());
        assert!(FileGuard::take(path).unwrap().is_none());
    }
}
