//! Work files after a death: gone at the next start, and nobody else's with them.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use cinder_volume_xtremio::image::{Copier, ImageError, Purpose, WorkDir};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::target::{Target, until};
use super::{IMAGE, Lab, MIB, facts};
use crate::config::base_and;

const OWNER: &str = "ctl1@xio";
/// Set for a second process of the test: where it works, and the port of its target.
const WORKER: &str = "CVX_TEST_IMAGE_WORKER";

#[tokio::test]
async fn only_the_dead_files_of_this_backend_go() {
    let dir = tempfile::tempdir().unwrap();
    let ours = WorkDir::new(dir.path(), OWNER);
    let sibling = WorkDir::new(dir.path(), OWNER);
    let other = WorkDir::new(dir.path(), "octl1@xio");
    let alive = sibling.create(Purpose::Fetch, IMAGE, 0).await.unwrap();
    let foreign = other.create(Purpose::Upload, IMAGE, 0).await.unwrap();
    let python = format!("image_fetch_{IMAGE}_a1b2c3d4{OWNER}");
    let dead = format!("vol_upload_{IMAGE}_0_2_4_6_{OWNER}");
    let strange = [
        format!("image_fetch_{IMAGE}_a1b2c3d4octl1@xio"),
        format!("notes of {OWNER}"),
        format!("vol_upload_{IMAGE}"),
    ];
    for name in strange.iter().chain([&python, &dead]) {
        std::fs::write(dir.path().join(name), "left").unwrap();
    }
    std::fs::create_dir(dir.path().join(format!("secret__abcdefgh{OWNER}"))).unwrap();
    let link = dir.path().join(format!("secret__zzzzzzzz{OWNER}"));
    std::os::unix::fs::symlink(alive.path(), &link).unwrap();
    let mut removed = ours.remove_left_overs().await.unwrap();
    removed.sort();
    assert_eq!(removed, [dir.path().join(&python), dir.path().join(&dead)]);
    for name in &strange {
        assert!(dir.path().join(name).exists(), "{name}");
    }
    assert!(alive.path().exists() && foreign.path().exists());
    let path = alive.path().to_owned();
    drop(alive);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_work_file_is_of_this_user_alone() {
    let dir = tempfile::tempdir().unwrap();
    let work = WorkDir::new(dir.path().join("a/b"), OWNER);
    assert_eq!(
        work.remove_left_overs().await.unwrap(),
        [""; 0].map(std::path::PathBuf::from)
    );
    let file = work.create(Purpose::Fetch, IMAGE, 0).await.unwrap();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(file.path()), 0o600);
    assert_eq!(mode(work.path()) & 0o007, 0);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_before_it_comes() {
    let dir = tempfile::tempdir().unwrap();
    let work = WorkDir::new(dir.path(), OWNER);
    let error = work
        .create(Purpose::Fetch, IMAGE, u64::MAX >> 1)
        .await
        .unwrap_err();
    assert!(matches!(error, ImageError::TooBig { .. }), "{error:?}");
    let text = error.to_string();
    let start = format!(
        "Image {IMAGE} size exceeded available disk space: There is no space on {} to convert \
         image. Requested: 9223372036854775807, available: ",
        dir.path().display()
    );
    assert!(text.starts_with(&start), "{text}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

/// The second process: copies slowly until it is killed.
async fn worker(told: &str) {
    let mut told = told.split(' ');
    let (Some(dir), Some(port)) = (told.next(), told.next()) else {
        panic!("{told:?}");
    };
    let text =
        format!("[DEFAULT]\nimage_conversion_dir = {dir}\n[xio]\nvolume_copy_bps_limit = 1048576");
    let config = base_and(&text).unwrap().config;
    let copier = Copier::new(&config.image, &config.backends[0]);
    let file = copier.admit(&facts("raw"), 1).await.unwrap();
    let mut writer = file.writer().await.unwrap();
    let bytes = vec![7; 64 * MIB as usize];
    tokio::io::AsyncWriteExt::write_all(&mut writer, &bytes)
        .await
        .unwrap();
    tokio::io::AsyncWriteExt::flush(&mut writer).await.unwrap();
    let progress = cinder_volume_xtremio::image::Progress::new();
    let image = facts("raw");
    let prepared = copier.prepare(file, &image, 1, &progress).await.unwrap();
    let place = super::target::place_at(port.parse().unwrap(), 1, None);
    let _killed_before = copier.write(&prepared, &place, true, &progress).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_worker_takes_its_converter_with_it() {
    if let Ok(told) = std::env::var(WORKER) {
        return worker(&told).await;
    }
    let (lab, target) = (Lab::with(""), Target::start());
    target.lun(1, 64 * MIB);
    let dir = lab.path("conversion,of=images");
    let mut worker = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "image::left_overs::a_killed_worker_takes_its_converter_with_it",
        ])
        .env(WORKER, format!("{} {}", dir.display(), target.port))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    until("the worker copies", || !target.clients().is_empty());
    // all that it has is in use
    assert_eq!(
        lab.copier.work().remove_left_overs().await.unwrap().len(),
        0
    );
    assert!(!lab.work_files().is_empty());
    kill(
        Pid::from_raw(worker.id().try_into().unwrap()),
        Signal::SIGKILL,
    )
    .unwrap();
    worker.wait().unwrap();
    until("the converter is gone", || target.clients().is_empty());
    assert!(!lab.work_files().is_empty());
    lab.copier.work().remove_left_overs().await.unwrap();
    assert_eq!(lab.work_files(), [""; 0]);
}
