//! Files that end too early: at every byte of their headers.

use cinder_volume_xtremio::image::inspect::Format;

use super::look;
use super::oracle::{Oracle, objection};
use crate::support::disk_files::*;

fn files() -> Vec<(Format, DiskFile)> {
    vec![
        (Format::Qcow2, qcow2()),
        (Format::Qcow2, qcow2_v2()),
        (Format::Vmdk, vmdk()),
        (Format::Vmdk, vmdk_footer()),
        (Format::Vhd, vhd(3)),
        (Format::Vdi, vdi(1)),
        (Format::Luks, luks(1)),
        (Format::Gpt, gpt()),
    ]
}

/// Every length of the header, and then those around each sector.
fn lengths(whole: usize) -> impl Iterator<Item = usize> {
    let near = |length: &usize| *length < 1200 || (length + 1) % 512 < 3;
    (0..whole.min(40_000)).filter(near)
}

#[test]
fn a_cut_off_file_is_refused_or_is_the_same_to_all() {
    let mut oracle = Oracle::start();
    let mut taken = 0;
    for (format, file) in files() {
        for length in lengths(file.0.len()) {
            let cut = &file.0[..length];
            let Ok(found) = look(cut) else { continue };
            // too short for its signature, or long enough for its header
            assert!(
                [Format::Raw, format].contains(&found.format),
                "{format} of {length} bytes is {}",
                found.format
            );
            taken += 1;
            let objection = objection(found, &oracle.ask(cut));
            assert_eq!(objection, None, "{format} of {length} bytes");
        }
    }
    assert!(taken > 100, "only {taken} were compared");
}

#[test]
fn a_vhdx_is_refused_until_its_size_is_there() {
    let file = vhdx().0;
    for length in (8..file.len()).filter(|length| length % 4096 < 2 || *length > file.len() - 100) {
        assert!(look(&file[..length]).is_err(), "{length}");
    }
    look(&file).unwrap();
}
