//! `qemu-img info` has little memory and little time.

use std::time::Duration;

use cinder_volume_xtremio::config::ImageOptions;
use cinder_volume_xtremio::image::{ImageError, Purpose, Qemu, WorkDir};

use tokio::io::AsyncWriteExt as _;

use super::{IMAGE, MIB};
use crate::config::base_and;

fn options(dir: &std::path::Path) -> ImageOptions {
    let text = format!("[DEFAULT]\nimage_conversion_dir = {}", dir.display());
    base_and(&text).unwrap().config.image
}

async fn info(space: u64) -> Result<u64, ImageError> {
    let dir = tempfile::tempdir().unwrap();
    let mut options = options(dir.path());
    options.introspection_address_space_limit = space;
    let work = WorkDir::new(dir.path(), "ctl1@xio");
    let file = work.create(Purpose::Fetch, IMAGE, 0).await.unwrap();
    let writer = file.writer().await.unwrap();
    writer.set_len(3 * MIB).await.unwrap();
    let qemu = Qemu::new(&options, work, 0, Duration::from_secs(20));
    qemu.info(&file, "raw").await.map(|info| info.virtual_size)
}

#[tokio::test]
async fn memory_is_limited() {
    assert_eq!(info(1 << 30).await.unwrap(), 3 * MIB);
    assert_eq!(info(0).await.unwrap(), 3 * MIB);
    let error = info(8 * MIB).await.unwrap_err();
    assert!(matches!(error, ImageError::Failed { .. }), "{error:?}");
}

/// A descriptor with a long tail of empty lines, over which qemu-img broods for minutes.
#[tokio::test]
async fn time_is_limited() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = options(dir.path());
    options.introspection_cpu_limit = Duration::from_secs(1);
    let work = WorkDir::new(dir.path(), "ctl1@xio");
    let extent = dir.path().join("extent");
    std::fs::write(&extent, vec![0; MIB as usize]).unwrap();
    let file = work.create(Purpose::Fetch, IMAGE, 0).await.unwrap();
    let mut writer = file.writer().await.unwrap();
    let descriptor = format!(
        "# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\n\
         createType=\"monolithicFlat\"\n\nRW 2048 FLAT \"{}\" 0\n",
        extent.display()
    );
    let mut bytes = descriptor.into_bytes();
    bytes.resize(2 << 20, b'\n');
    writer.write_all(&bytes).await.unwrap();
    writer.flush().await.unwrap();
    let qemu = Qemu::new(&options, work, 0, Duration::from_secs(60));
    let error = qemu.info(&file, "vmdk").await.unwrap_err();
    let ImageError::Failed { status, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(status, "signal 9");
}

#[tokio::test]
async fn the_version_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let work = WorkDir::new(dir.path(), "ctl1@xio");
    let qemu = Qemu::new(&options(dir.path()), work, 0, Duration::from_secs(20));
    let version = qemu.version().await.unwrap();
    assert!(version.starts_with("qemu-img version "), "{version}");
}

#[tokio::test]
async fn a_file_of_another_format_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let work = WorkDir::new(dir.path(), "ctl1@xio");
    let file = work.create(Purpose::Fetch, IMAGE, 0).await.unwrap();
    let qemu = Qemu::new(&options(dir.path()), work, 0, Duration::from_secs(20));
    let error = qemu.info(&file, "qcow2").await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("exit code 1") && text.contains("qcow2"),
        "{text}"
    );
}
