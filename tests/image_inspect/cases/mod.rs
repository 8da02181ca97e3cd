//! What is expected of which file, and that nobody else would rather refuse it.

mod descriptor;
mod plain;
mod qcow2;
mod vhd;
mod vmdk;

use std::process::Command;

use cinder_volume_xtremio::image::inspect::{Format, InspectError};

use super::look;
use super::oracle::{Oracle, objection};
use crate::support::disk_files::*;

/// What is to be said of a file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expected {
    Taken(Format, u64),
    /// With this among the reasons.
    Refused(Format, &'static str),
    Ambiguous,
}

use Expected::{Ambiguous, Refused, Taken};

pub(super) type Case = (&'static str, DiskFile, Expected);

pub(super) fn all() -> Vec<Case> {
    [
        plain::raw(),
        qcow2::qcow2s(),
        vmdk::vmdks(),
        descriptor::descriptors(),
        vmdk::footers(),
        vhd::vhds(),
        vhd::vhdxs(),
        plain::others(),
        plain::several(),
    ]
    .concat()
}

#[test]
fn each_file_is_what_it_is() {
    for (name, file, expected) in all() {
        match (look(&file.0), expected) {
            (Ok(found), Taken(format, size)) => {
                assert_eq!((found.format, found.virtual_size), (format, size), "{name}");
            }
            (Err(InspectError::Unsafe { format, reasons }), Refused(wanted, why)) => {
                assert_eq!(format, wanted, "{name}");
                assert!(
                    reasons.iter().any(|r| r.contains(why)),
                    "{name}: {reasons:?}"
                );
            }
            (Err(InspectError::Ambiguous { formats }), Ambiguous) => {
                assert!(formats.len() > 1, "{name}: {formats:?}");
            }
            (found, expected) => panic!("{name}: {found:?} instead of {expected:?}"),
        }
    }
}

#[test]
fn what_is_taken_is_the_same_to_oslo_utils_and_cinder() {
    let mut oracle = Oracle::start();
    for (name, file, _) in all() {
        let Ok(taken) = look(&file.0) else { continue };
        let objection = objection(taken, &oracle.ask(&file.0));
        assert_eq!(objection, None, "{name}");
    }
}

#[test]
fn they_find_dangerous_what_the_facts_of_cinder_say() {
    // else the comparison would compare nothing
    let mut oracle = Oracle::start();
    let mut refused = |file: DiskFile| {
        let answer = oracle.ask(&file.0);
        (
            answer.oslo.refused.is_some(),
            answer.cinder.refused.is_some(),
        )
    };
    assert_eq!(refused(qcow2()), (false, false));
    assert_eq!(refused(qcow2_backed("x")), (true, true));
    assert_eq!(refused(qcow2_data_file("x")), (true, true));
    assert_eq!(refused(qcow2_features(16)), (true, true));
    assert_eq!(refused(qed()), (true, true));
    assert_eq!(
        refused(DiskFile(descriptor("monolithicFlat", "").into())),
        (true, false)
    );
    assert_eq!(refused(vmdk_footer()), (false, false));
    assert_eq!(refused(gpt()), (false, false));
}

/// What qemu takes a file for when it is left to guess, if it takes it at all.
pub(super) fn guessed(path: &std::path::Path) -> Option<String> {
    let output = Command::new("qemu-img")
        .args(["info", "--output=json"])
        .arg(path)
        .env("LC_ALL", "C")
        .output()
        .expect("qemu-img is not installed: run `make test`");
    let info: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
    assert_eq!(info.get("backing-filename"), None, "{}", path.display());
    Some(info["format"].as_str().unwrap().to_owned())
}

#[test]
fn what_is_taken_is_the_same_to_qemu() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("image");
    let mut opened = Vec::new();
    for (name, file, _) in all() {
        let Ok(taken) = look(&file.0) else { continue };
        std::fs::write(&path, &file.0).unwrap();
        let driver = taken.format.qemu_driver();
        match guessed(&path).as_deref() {
            // it finds fault with the rest of it, and so copies nothing
            None => continue,
            Some(guess) if guess == driver => opened.push(driver),
            // harmless: named in the inspector
            Some("parallels" | "luks") if driver == "raw" => {}
            Some(guess) => panic!("{name}: {driver} is {guess} to qemu"),
        }
    }
    for driver in ["raw", "qcow2", "vmdk", "vpc", "vdi"] {
        assert!(opened.contains(&driver), "no {driver} was opened");
    }
}
