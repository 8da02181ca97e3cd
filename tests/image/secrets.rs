//! CHAP: who knows the secret gets in, and nobody reads it from a command line.

use cinder_volume_xtremio::image::{Chap, Place, Progress};

use super::target::{SECRET, Target, USER, processes_naming, until};
use super::{Lab, MIB, disk, facts, same};

const SIZE: u64 = 32 * MIB;

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_is_in_no_command_line_and_in_no_file_for_long() {
    let (lab, mut target) = (
        Lab::with("volume_copy_bps_limit = 16777216"),
        Target::start(),
    );
    target.with_chap();
    std::fs::write(lab.path("whole"), vec![7; SIZE as usize]).unwrap();
    let behind = target.lun(1, SIZE);
    let prepared = lab
        .prepared(&lab.path("whole"), &facts("raw"))
        .await
        .unwrap();
    let (copier, place) = (lab.copier.clone(), target.place(1));
    let progress = Progress::new();
    let mut seen = progress.watch();
    let copy = tokio::spawn(async move { copier.write(&prepared, &place, true, &progress).await });
    until("the converter runs", || !target.clients().is_empty());
    assert_eq!(processes_naming(SECRET, std::process::id()), [0; 0]);
    assert_eq!(processes_naming("chap,,secret", std::process::id()), [0; 0]);
    seen.wait_for(|reached| reached.done > 0).await.unwrap();
    for pid in target.clients() {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
        let environment = String::from_utf8_lossy(&environment);
        assert!(environment.contains("LC_ALL=C"), "{environment}");
        assert!(!environment.contains("HOME="), "{environment}");
    }
    let names = lab.work_files();
    assert!(
        names.iter().all(|name| !name.starts_with("secret_")),
        "{names:?}"
    );
    copy.await.unwrap().unwrap();
    same(&lab.path("whole"), &behind);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_know_it_is_told() {
    let (lab, mut target) = (Lab::with(""), Target::start());
    target.with_chap();
    disk(&lab.path("disk"), SIZE);
    target.lun(1, SIZE);
    let mut without = target.iscsi(1);
    without.chap = None;
    let mut wrong = target.iscsi(1);
    wrong.chap = Some(Chap {
        user: USER.to_owned(),
        password: "wrong-secret-12".into(),
    });
    for lun in [without, wrong] {
        let place = Place::Iscsi(lun);
        let error = lab
            .to_volume(&lab.path("disk"), "raw", &place)
            .await
            .unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains("Authentication failure"), "{text}");
        assert!(!text.contains("wrong-secret-12"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ends_may_ask_for_one() {
    let (lab, mut target) = (Lab::with(""), Target::start());
    target.with_chap();
    disk(&lab.path("disk"), SIZE);
    target.lun_of(1, &lab.path("disk"));
    let behind = target.lun(2, SIZE);
    let (from, to) = (target.place(1), target.place(2));
    let progress = Progress::new();
    lab.copier
        .copy(&from, &to, SIZE, true, &progress)
        .await
        .unwrap();
    same(&lab.path("disk"), &behind);
    let read = lab
        .copier
        .read(&from, &facts("qcow2"), SIZE, &progress)
        .await;
    assert!(read.unwrap().length() > 0);
}
