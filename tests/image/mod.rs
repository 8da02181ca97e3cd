//! Copies of images with the real qemu-img, to and from a real iSCSI target.

mod failures;
mod formats;
mod hostile;
mod left_overs;
mod limits;
mod secrets;
mod target;
mod uploads;
mod userspace;

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use cinder_volume_xtremio::image::{
    Copier, ImageError, ImageFacts, Place, Prepared, Progress, WorkFile,
};
use rand::rngs::StdRng;
use rand::{RngCore as _, SeedableRng as _};

use crate::config::base_and;

const MIB: u64 = 1 << 20;
const IMAGE: &str = "5f3ad5b4-8ea1-4b38-9f41-51f3a2d0a111";

/// A copier with a work directory of its own.
struct Lab {
    dir: tempfile::TempDir,
    copier: Copier,
}

impl Lab {
    /// With lines of the backend section.
    fn with(backend: &str) -> Self {
        Self::set("", backend)
    }

    /// With lines of `[DEFAULT]` and of the backend section.
    fn set(default: &str, backend: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let text = format!(
            "[DEFAULT]\nimage_conversion_dir = {}\n{default}\n[xio]\n{backend}",
            dir.path().join("conversion,of=images").display()
        );
        let config = base_and(&text).unwrap().config;
        let copier = Copier::new(&config.image, &config.backends[0]);
        Self { dir, copier }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Names of what lies in the work directory.
    fn work_files(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.copier.work().path()) else {
            return Vec::new();
        };
        let name = |e: std::io::Result<std::fs::DirEntry>| e.unwrap().file_name();
        entries.map(|e| name(e).into_string().unwrap()).collect()
    }

    /// As after its download from Glance.
    async fn downloaded(&self, path: &Path, image: &ImageFacts) -> WorkFile {
        let file = self.copier.admit(image, 1).await.unwrap();
        let mut writer = file.writer().await.unwrap();
        let mut reader = tokio::fs::File::open(path).await.unwrap();
        tokio::io::copy(&mut reader, &mut writer).await.unwrap();
        tokio::io::AsyncWriteExt::flush(&mut writer).await.unwrap();
        file
    }

    async fn prepared(&self, path: &Path, image: &ImageFacts) -> Result<Prepared, ImageError> {
        let file = self.downloaded(path, image).await;
        self.copier.prepare(file, image, 1, &Progress::new()).await
    }

    /// The whole way from a file to a volume.
    async fn to_volume(&self, path: &Path, format: &str, to: &Place) -> Result<(), ImageError> {
        let prepared = self.prepared(path, &facts(format)).await?;
        self.copier
            .write(&prepared, to, true, &Progress::new())
            .await
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.work_files(), [""; 0], "work files are left");
        }
    }
}

fn facts(disk_format: &str) -> ImageFacts {
    ImageFacts {
        id: IMAGE.to_owned(),
        disk_format: disk_format.to_owned(),
        container_format: "bare".to_owned(),
        ..ImageFacts::default()
    }
}

/// A sparse file: random bytes at its start and in its middle, an eighth of it in all.
fn disk(path: &Path, size: u64) {
    use std::os::unix::fs::FileExt as _;
    let file = File::create(path).unwrap();
    file.set_len(size).unwrap();
    let mut bytes = vec![0; usize::try_from(size / 16).unwrap()];
    let mut random = StdRng::seed_from_u64(size);
    for at in [0, size / 2] {
        random.fill_bytes(&mut bytes);
        file.write_all_at(&bytes, at).unwrap();
    }
}

fn allocated(path: &Path) -> u64 {
    std::fs::metadata(path).unwrap().blocks() * 512
}

fn qemu_img(args: &[&str]) {
    let output = Command::new("qemu-img").args(args).output().unwrap();
    assert!(
        output.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn same(one: &Path, other: &Path) {
    let (one, other) = (std::fs::read(one).unwrap(), std::fs::read(other).unwrap());
    assert_eq!(one.len(), other.len());
    // byte by byte only when there is something to be found
    if one != other {
        let differs = one.iter().zip(&other).position(|(a, b)| a != b);
        panic!("they differ from byte {differs:?} on");
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
