//! Files that hold images while they are worked on, in `image_conversion_dir`. They are gone when
//! who works on them is done or gives up, and at the latest when the backend starts again.

mod file;
mod lock;
mod names;
mod room;

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::fcntl::OFlag;
use nix::sys::statvfs::statvfs;

pub use file::WorkFile;
pub use names::Purpose;
use room::{Room, Rooms};

use super::error::{ImageError, blocking};

/// `image_conversion_dir`, as one backend uses it.
#[derive(Debug, Clone)]
pub struct WorkDir(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    /// `host@section`
    owner: String,
    rooms: Rooms,
}

impl WorkDir {
    /// The directory need not exist yet. `owner` is the backend, `host@section`.
    pub fn new(dir: impl Into<PathBuf>, owner: &str) -> Self {
        Self(Arc::new(Inner {
            dir: dir.into(),
            owner: owner.to_owned(),
            rooms: Rooms::default(),
        }))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0.dir
    }

    /// A new empty file, readable by this user alone, that may grow to `size` bytes. `id` is the
    /// image or volume that it is for.
    ///
    /// # Errors
    /// [`ImageError::TooBig`] when there is no room, [`ImageError::Io`].
    pub async fn create(
        &self,
        purpose: Purpose,
        id: &str,
        size: u64,
    ) -> Result<WorkFile, ImageError> {
        let (this, id) = (self.clone(), id.to_owned());
        blocking("creating a work file", move || {
            this.ensure()
                .map_err(ImageError::io(format!("creating {}", this.0.dir.display())))?;
            let room = this.room_for(&id, size)?;
            let (file, path) = this
                .create_named(purpose, &id)
                .map_err(ImageError::io(format!(
                    "creating a file in {}",
                    this.0.dir.display()
                )))?;
            Ok(WorkFile::new(file, path, room))
        })
        .await
    }

    fn ensure(&self) -> io::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o750)
            .create(&self.0.dir)
    }

    /// Refuses what does not fit beside what others were promised.
    fn room_for(&self, image_id: &str, size: u64) -> Result<Room, ImageError> {
        let dir = &self.0.dir;
        let found = statvfs(dir.as_path()).map_err(|errno| ImageError::Io {
            what: format!("asking for the free space of {}", dir.display()),
            source: errno.into(),
        })?;
        let free = found
            .blocks_available()
            .saturating_mul(found.fragment_size());
        self.0.rooms.claim(size, free).map_err(|free| ImageError::TooBig {
            image_id: image_id.to_owned(),
            reason: format!(
                "There is no space on {} to convert image. Requested: {size}, available: {free}.",
                dir.display()
            ),
        })
    }

    fn create_named(&self, purpose: Purpose, id: &str) -> io::Result<(fs::File, PathBuf)> {
        loop {
            let path = self.0.dir.join(names::new(purpose, id, &self.0.owner));
            let mut options = OpenOptions::new();
            options.read(true).write(true).create_new(true).mode(0o600);
            let file = match options.open(&path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                opened => opened?,
            };
            // a sibling that starts now may have come between, and taken it for a left-over
            if lock::try_mark(&file)? && file.metadata()?.nlink() > 0 {
                return Ok((file, path));
            }
        }
    }

    /// Removes the files that an earlier life of this backend left here, of this program or of
    /// Python's. Those of other backends stay, and those that a living process works on.
    ///
    /// # Errors
    /// When the directory cannot be read; what cannot be removed is logged and stays.
    pub async fn remove_left_overs(&self) -> Result<Vec<PathBuf>, ImageError> {
        let this = self.clone();
        blocking("removing left-over files", move || {
            let entries = match fs::read_dir(&this.0.dir) {
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
                entries => {
                    entries.map_err(ImageError::io(format!("reading {}", this.0.dir.display())))?
                }
            };
            let mut removed = Vec::new();
            for entry in entries.flatten() {
                let name = entry.file_name();
                if !name
                    .to_str()
                    .is_some_and(|name| names::is_of(name, &this.0.owner))
                {
                    continue;
                }
                let path = entry.path();
                match remove_dead(&path) {
                    Ok(true) => removed.push(path),
                    Ok(false) => {}
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => {
                        tracing::warn!(path = %path.display(), %error, "a left-over file stays");
                    }
                }
            }
            Ok(removed)
        })
        .await
    }
}

/// Removes the file unless a living process holds it.
fn remove_dead(path: &Path) -> io::Result<bool> {
    let mut options = OpenOptions::new();
    // neither through a link that somebody laid here, nor waiting for one end of a pipe
    options
        .write(true)
        .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits());
    let file = options.open(path)?;
    if !file.metadata()?.is_file() || !lock::try_mark(&file)? {
        return Ok(false);
    }
    fs::remove_file(path)?;
    Ok(true)
}
