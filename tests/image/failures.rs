//! What ends a copy before its end: it is told, and nothing of it stays.

use std::time::{Duration, Instant};

use cinder_volume_xtremio::image::{ImageError, Place, Progress};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::target::{Target, until};
use super::{Lab, MIB, disk, facts};

const SIZE: u64 = 64 * MIB;
/// A copy of a second or two, unless something comes between.
const SLOW: &str = "volume_copy_bps_limit = 16777216\nimage_copy_stall_timeout = 2";

/// Begins a slow copy to a LUN and returns when it is under way.
async fn under_way(lab: &Lab, target: &Target) -> tokio::task::JoinHandle<Result<(), ImageError>> {
    let whole = lab.path("whole");
    std::fs::write(&whole, vec![7; SIZE as usize]).unwrap();
    target.lun(1, SIZE);
    let prepared = lab.prepared(&whole, &facts("raw")).await.unwrap();
    let (copier, place) = (lab.copier.clone(), target.place(1));
    let progress = Progress::new();
    let mut seen = progress.watch();
    let copy = tokio::spawn(async move { copier.write(&prepared, &place, true, &progress).await });
    seen.wait_for(|reached| reached.done > 0).await.unwrap();
    copy
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lun_that_is_too_small_is_refused() {
    let (lab, target) = (Lab::with(""), Target::start());
    disk(&lab.path("disk"), SIZE);
    let behind = target.lun(1, SIZE / 2);
    let place = target.place(1);
    let error = lab
        .to_volume(&lab.path("disk"), "raw", &place)
        .await
        .unwrap_err();
    assert_eq!(error.exception(), "ImageCopyFailure");
    let reason = error.reason();
    assert!(
        reason.contains("output file is smaller than input file"),
        "{reason}"
    );
    let old = std::fs::read(behind).unwrap();
    assert!(
        old.iter().all(|byte| *byte == 0xff),
        "something was written"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_not_there_is_told() {
    let (lab, target) = (Lab::with(""), Target::start());
    disk(&lab.path("disk"), MIB);
    let place = target.place(9);
    let error = lab
        .to_volume(&lab.path("disk"), "raw", &place)
        .await
        .unwrap_err();
    assert!(matches!(error, ImageError::Failed { .. }), "{error:?}");
    assert!(error.to_string().contains("LUN 9 of iqn.2008"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_gone_is_not_made_a_file() {
    let lab = Lab::with("");
    disk(&lab.path("disk"), MIB);
    std::fs::write(lab.path("plain"), vec![1; MIB as usize]).unwrap();
    for device in ["gone", "plain"] {
        let place = Place::Device(lab.path(device));
        let error = lab
            .to_volume(&lab.path("disk"), "raw", &place)
            .await
            .unwrap_err();
        assert!(matches!(error, ImageError::Failed { .. }), "{error:?}");
    }
    assert!(!lab.path("gone").exists());
    let plain = std::fs::read(lab.path("plain")).unwrap();
    assert!(plain.iter().all(|byte| *byte == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_target_is_a_stall() {
    let (lab, target) = (Lab::with(SLOW), Target::start());
    let copy = under_way(&lab, &target).await;
    target.signal(Signal::SIGSTOP);
    let frozen = Instant::now();
    let error = copy.await.unwrap().unwrap_err();
    assert!(matches!(error, ImageError::Stalled { .. }), "{error:?}");
    assert!(
        frozen.elapsed() < Duration::from_secs(5),
        "{:?}",
        frozen.elapsed()
    );
    assert_eq!(target.clients(), [0; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_target_is_a_stall() {
    let (lab, target) = (Lab::with(SLOW), Target::start());
    let copy = under_way(&lab, &target).await;
    target.signal(Signal::SIGKILL);
    let dead = Instant::now();
    let error = copy.await.unwrap().unwrap_err();
    assert!(matches!(error, ImageError::Stalled { .. }), "{error:?}");
    assert!(
        dead.elapsed() < Duration::from_secs(5),
        "{:?}",
        dead.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_comes_back_in_time_is_waited_for() {
    let (lab, target) = (Lab::with(SLOW), Target::start());
    let copy = under_way(&lab, &target).await;
    target.signal(Signal::SIGSTOP);
    // the pause itself is what is tested
    tokio::time::sleep(Duration::from_millis(800)).await;
    target.signal(Signal::SIGCONT);
    copy.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_converter_that_is_killed_is_an_error() {
    let (lab, target) = (Lab::with(SLOW), Target::start());
    let copy = under_way(&lab, &target).await;
    for pid in target.clients() {
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    }
    let error = copy.await.unwrap().unwrap_err();
    let ImageError::Failed { status, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(status, "signal 9");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_given_up_leaves_nothing() {
    let (lab, target) = (Lab::with(SLOW), Target::start());
    let copy = under_way(&lab, &target).await;
    let pids = target.clients();
    assert_eq!(pids.len(), 1, "one converter runs");
    assert_eq!(lab.work_files().len(), 1, "the image is there");
    copy.abort();
    assert!(copy.await.unwrap_err().is_cancelled());
    assert_eq!(lab.work_files(), [""; 0]);
    // gone, and not a zombie either
    until("the converter is gone", || {
        pids.iter()
            .all(|pid| !std::path::Path::new(&format!("/proc/{pid}")).exists())
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_given_up_leaves_nothing() {
    let (lab, target) = (Lab::with(SLOW), Target::start());
    target.lun(1, SIZE);
    let progress = Progress::new();
    let mut seen = progress.watch();
    let (copier, place) = (lab.copier.clone(), target.place(1));
    let read = tokio::spawn(async move {
        let image = facts("vdi");
        copier.read(&place, &image, SIZE, &progress).await.map(drop)
    });
    let converting = |r: &cinder_volume_xtremio::image::Reached| r.total == SIZE && r.done > 0;
    seen.wait_for(converting).await.unwrap();
    read.abort();
    assert!(read.await.unwrap_err().is_cancelled());
    assert_eq!(lab.work_files(), [""; 0]);
    until("the converter is gone", || target.clients().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_copy_limit_holds() {
    let (lab, target) = (Lab::with(SLOW), Target::start());
    let start = Instant::now();
    under_way(&lab, &target).await.await.unwrap().unwrap();
    // 64 MiB at 16 MiB/s
    assert!(
        start.elapsed() > Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
}
