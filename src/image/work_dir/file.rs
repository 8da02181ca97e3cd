//! One work file: it is gone when its last holder lets go of it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Room;

/// A file in the work directory. It is readable by this user alone, and removed on drop.
#[derive(Debug)]
pub struct WorkFile {
    path: PathBuf,
    /// Carries the mark that the file is in use. `None` only while it is dropped.
    file: Option<Arc<File>>,
    /// What the file may fill.
    _room: Room,
}

impl WorkFile {
    pub(super) fn new(file: File, path: PathBuf, room: Room) -> Self {
        let file = Arc::new(file);
        room.is_filled_by(&file);
        Self {
            path,
            file: Some(file),
            _room: room,
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens this very file, whatever stands at its path by now, with a place of its own.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(&self, options: &OpenOptions) -> io::Result<File> {
        use std::os::fd::AsRawFd as _;
        let file = self.held()?;
        options.open(format!("/proc/self/fd/{}", file.as_raw_fd()))
    }

    /// Opens it for writing from the start, as for a download.
    ///
    /// # Errors
    /// What the system says.
    pub async fn writer(&self) -> io::Result<tokio::fs::File> {
        let mut options = OpenOptions::new();
        options.write(true).truncate(true);
        Ok(tokio::fs::File::from_std(self.open(&options)?))
    }

    /// Opens it for reading.
    pub(in crate::image) fn reader(&self) -> io::Result<File> {
        self.open(OpenOptions::new().read(true))
    }

    /// To be handed to a program as its input: in its hands the file stays marked as in use.
    pub(in crate::image) fn hand_over(&self) -> io::Result<File> {
        self.held()?.try_clone()
    }

    fn held(&self) -> io::Result<&Arc<File>> {
        self.file
            .as_ref()
            .ok_or_else(|| io::Error::other("the file was given up"))
    }
}

impl Drop for WorkFile {
    fn drop(&mut self) {
        // While it is open only its name goes, which takes no time ...
        if let Err(error) = fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.path.display(), %error, "a work file stays");
        }
        // ... and its blocks go at the close, which may take seconds.
        let file = self.file.take();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn_blocking(move || drop(file));
        }
    }
}
