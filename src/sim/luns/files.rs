//! The bytes of volumes and snapshots: sparse files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::{Whence, lseek};

use super::error::LunError;
use super::wanted::{Disk, DiskKey};

/// The folder of the files, locked for this simulator.
#[derive(Debug)]
pub(crate) struct Files {
    folder: PathBuf,
    _lock: Flock<File>,
}

impl Files {
    /// Takes a folder. What an earlier simulator left there is removed: nobody knows any more
    /// which volume it was.
    pub(crate) fn open(folder: &Path) -> Result<Self, LunError> {
        fs::create_dir_all(folder).map_err(LunError::file("make", folder))?;
        let lock_path = folder.join("lock");
        let lock = File::create(&lock_path).map_err(LunError::file("make", &lock_path))?;
        let lock =
            Flock::lock(lock, FlockArg::LockExclusiveNonblock).map_err(|_| LunError::InUse {
                path: folder.into(),
            })?;
        let disks = folder.join("disks");
        match fs::remove_dir_all(&disks) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(LunError::file("remove", disks)(error));
            }
            _ => {}
        }
        fs::create_dir(&disks).map_err(LunError::file("make", &disks))?;
        Ok(Self {
            folder: disks,
            _lock: lock,
        })
    }

    /// Where the bytes of a volume are.
    pub(crate) fn path(&self, (cluster, volume): DiskKey) -> PathBuf {
        self.folder.join(format!("{cluster}-{volume}.img"))
    }

    /// Makes a file of the disk's size, all hole, or gives an existing one that size.
    pub(crate) fn size(&self, key: DiskKey, disk: &Disk) -> Result<(), LunError> {
        let path = self.path(key);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(LunError::file("make", &path))?;
        file.set_len(disk.bytes)
            .map_err(LunError::file("resize", path))
    }

    /// Gives one disk the content of another. The file stays the same one, for tgtd may hold it
    /// open.
    pub(crate) fn copy(&self, from: DiskKey, to: DiskKey) -> Result<(), LunError> {
        let path = self.path(to);
        let target = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)
            .map_err(LunError::file("make", &path))?;
        let source =
            File::open(self.path(from)).map_err(LunError::file("open", self.path(from)))?;
        copy_data(&source, &target).map_err(LunError::file("copy to", path))
    }

    /// Removes a file; one that is gone already is fine.
    pub(crate) fn remove(&self, key: DiskKey) -> Result<(), LunError> {
        let path = self.path(key);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(LunError::file("remove", path)(error))
            }
            _ => Ok(()),
        }
    }
}

/// Copies the data of a file to an empty one and leaves its holes.
fn copy_data(mut source: &File, mut target: &File) -> io::Result<()> {
    let end = source.metadata()?.len();
    target.set_len(end)?;
    let mut at = 0;
    while let Some(data) = seek(source, at, Whence::SeekData)? {
        let hole = seek(source, data, Whence::SeekHole)?.unwrap_or(end);
        source.seek(SeekFrom::Start(data))?;
        target.seek(SeekFrom::Start(data))?;
        io::copy(&mut source.take(hole - data), &mut target)?;
        at = hole;
    }
    Ok(())
}

/// Where data or a hole begins at or after a place; None: nowhere.
fn seek(file: &File, from: u64, whence: Whence) -> io::Result<Option<u64>> {
    let from = i64::try_from(from).map_err(io::Error::other)?;
    match lseek(file, from, whence) {
        Ok(at) => Ok(Some(at.unsigned_abs())),
        Err(Errno::ENXIO) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use std::os::unix::fs::{FileExt as _, MetadataExt as _};

    const MIB: u64 = 1 << 20;

    fn disk(bytes: u64) -> Disk {
        Disk {
            name: "a".into(),
            bytes,
            block: 512,
            read_only: false,
            hidden: false,
            naa: None,
        }
    }

    #[test]
    fn a_copy_has_the_data_and_the_holes() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::open(folder.path()).unwrap();
        files.size((1, 1), &disk(512 * MIB)).unwrap();
        let source = OpenOptions::new()
            .write(true)
            .open(files.path((1, 1)))
            .unwrap();
        source.write_all_at(b"begin", 0).unwrap();
        source.write_all_at(&[7; 4096], 100 * MIB).unwrap();
        source.write_all_at(b"end", 512 * MIB - 3).unwrap();
        files.size((1, 2), &disk(MIB)).unwrap();
        let copy = OpenOptions::new()
            .write(true)
            .open(files.path((1, 2)))
            .unwrap();
        copy.write_all_at(b"old", 50_000).unwrap();
        files.copy((1, 1), (1, 2)).unwrap();
        let copy = File::open(files.path((1, 2))).unwrap();
        let meta = copy.metadata().unwrap();
        assert_eq!(meta.len(), 512 * MIB);
        assert!(meta.blocks() * 512 < MIB, "{} blocks", meta.blocks());
        let read = |at, len| {
            let mut bytes = vec![0; len];
            copy.read_exact_at(&mut bytes, at).unwrap();
            bytes
        };
        assert_eq!(read(0, 6), b"begin\0");
        assert_eq!(read(50_000, 3), [0; 3]);
        assert_eq!(read(100 * MIB, 4096), [7; 4096]);
        assert_eq!(read(512 * MIB - 3, 3), b"end");
        files.remove((1, 2)).unwrap();
        files.remove((1, 2)).unwrap();
        assert!(!files.path((1, 2)).exists());
    }

    #[test]
    fn a_folder_serves_one_simulator_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::open(folder.path()).unwrap();
        files.size((1, 1), &disk(MIB)).unwrap();
        let second = Files::open(folder.path()).unwrap_err();
        assert!(matches!(second, LunError::InUse { .. }), "{second}");
        drop(files);
        let next = Files::open(folder.path()).unwrap();
        assert!(!next.path((1, 1)).exists());
    }
}
