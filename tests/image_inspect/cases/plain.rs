//! Disks as they are, and formats of one header.

use cinder_volume_xtremio::image::inspect::Format;

use super::Case;
use super::Expected::{Ambiguous, Refused, Taken};
use crate::support::disk_files::*;

const KIB: usize = 1 << 10;

fn length(file: &DiskFile) -> u64 {
    file.0.len() as u64
}

pub(super) fn raw() -> Vec<Case> {
    let text = DiskFile(b"just a text, nothing else\n".repeat(100));
    let size = length(&text);
    // NULs and other bytes behind the first text: no descriptor to anybody
    let tar = DiskFile(b"etc/a-name-of-a-file-in-an-archive".to_vec())
        .with(600, &[0xe4])
        .sized(4096);
    let parallels = DiskFile::zeros(4096).with(0, b"WithoutFreeSpace");
    let fat = mbr(DiskFile::zeros(4096), &[])
        .with(0x10, &[2])
        .with(0x15, &[0xf8]);
    vec![
        ("empty", DiskFile::default(), Taken(Format::Raw, 0)),
        ("one byte", DiskFile(vec![7]), Taken(Format::Raw, 1)),
        ("zeros", DiskFile::zeros(1000), Taken(Format::Raw, 1000)),
        ("a text", text, Taken(Format::Raw, size)),
        ("an archive", tar, Taken(Format::Raw, 4096)),
        ("Parallels", parallels, Taken(Format::Raw, 4096)),
        ("FAT", fat, Taken(Format::Raw, 4096)),
        (
            "VHD, fixed",
            vhd_fixed(),
            Taken(Format::Raw, 64 * 1024 + 512),
        ),
        (
            "QF1",
            DiskFile::zeros(512).with(0, b"QF1\xfb"),
            Taken(Format::Raw, 512),
        ),
    ]
}

pub(super) fn others() -> Vec<Case> {
    let vdi_refused = |why| Refused(Format::Vdi, why);
    let gpt_refused = |why| Refused(Format::Gpt, why);
    let disk = |entries: &[Vec<u8>]| mbr(DiskFile::zeros(4096), entries);
    let (linux, whole) = (partition(0x83, 34, 9), partition(0xee, 1, 9));
    let changed = |at: usize, byte| DiskFile(whole.clone()).with(at, &[byte]).0;
    let is_disk = Taken(Format::Gpt, 4096);
    vec![
        ("qed", qed(), Refused(Format::Qed, "not allowed")),
        (
            "qed of 4 bytes",
            qed().sized(4),
            Refused(Format::Qed, "not allowed"),
        ),
        ("vdi", vdi(1), Taken(Format::Vdi, SIZE)),
        ("vdi static", vdi(2), Taken(Format::Vdi, SIZE)),
        (
            "vdi undo",
            vdi(3),
            vdi_refused("neither dynamic nor static"),
        ),
        (
            "vdi differencing",
            vdi(4),
            vdi_refused("neither dynamic nor static"),
        ),
        (
            "vdi link",
            vdi(1).with(0x1a8, &[1]),
            vdi_refused("it has a parent disk"),
        ),
        (
            "vdi parent",
            vdi(1).with(0x1c7, &[1]),
            vdi_refused("it has a parent disk"),
        ),
        (
            "vdi absurd",
            vdi(1).with(0x170, &[0xff; 8]),
            vdi_refused("its size is absurd"),
        ),
        (
            "vdi of 511 bytes",
            vdi(1).sized(511),
            vdi_refused("its header is cut off"),
        ),
        ("luks", luks(1), Taken(Format::Luks, 128 * 1024)),
        (
            "luks 2",
            luks(2),
            Refused(Format::Luks, "its version is not 1"),
        ),
        (
            "luks of 591 bytes",
            luks(1).sized(591),
            Refused(Format::Luks, "its header is cut off"),
        ),
        (
            "luks of 7 bytes",
            luks(1).sized(7),
            Refused(Format::Luks, "its header is cut off"),
        ),
        ("iso", iso(b"CD001"), Taken(Format::Iso, 40 * 1024)),
        (
            "iso, large",
            iso(b"CD001").with(32 * KIB + 80, &[0xff]),
            Taken(Format::Iso, 255 * 2048),
        ),
        ("udf 2", iso(b"NSR02"), Taken(Format::Iso, 40 * 1024)),
        ("udf 3", iso(b"NSR03"), Taken(Format::Iso, 40 * 1024)),
        (
            "iso, cut",
            iso(b"CD001").sized(34 * KIB - 1),
            Taken(Format::Raw, 34 * 1024 - 1),
        ),
        (
            "iso, bootable",
            mbr(iso(b"CD001"), &[]),
            Taken(Format::Iso, 40 * 1024),
        ),
        ("gpt", gpt(), Taken(Format::Gpt, 64 * 1024)),
        ("mbr", disk(&[linux.clone(), linux.clone()]), is_disk),
        (
            "mbr, bootable",
            disk(&[DiskFile(linux.clone()).with(0, &[0x80]).0]),
            is_disk,
        ),
        (
            "mbr, bad flag",
            disk(&[DiskFile(linux.clone()).with(0, &[1]).0]),
            gpt_refused("partition 0 has an invalid boot flag"),
        ),
        (
            "mbr, empty",
            disk(&[]),
            gpt_refused("its partition table is empty"),
        ),
        (
            "gpt and more",
            disk(&[whole.clone(), linux.clone()]),
            gpt_refused("beside"),
        ),
        (
            "gpt second",
            disk(&[linux, whole.clone()]),
            gpt_refused("beside"),
        ),
        (
            "gpt CHS",
            disk(&[changed(2, 3)]),
            gpt_refused("start (CHS)"),
        ),
        (
            "gpt LBA",
            disk(&[changed(8, 2)]),
            gpt_refused("start (LBA)"),
        ),
        (
            "mbr of 511 bytes",
            disk(&[whole]).sized(511),
            Taken(Format::Raw, 511),
        ),
    ]
}

/// One file, two disks.
pub(super) fn several() -> Vec<Case> {
    let boot = |file| mbr(file, &[partition(0x83, 34, 9)]);
    let cd = |file: DiskFile| file.sized(64 * KIB).with(32 * KIB + 1, b"CD001");
    vec![
        ("qcow2 and mbr", boot(qcow2()), Ambiguous),
        ("vhd and mbr", boot(vhd(3)), Ambiguous),
        ("luks and mbr", boot(luks(1)), Ambiguous),
        ("vdi and mbr", boot(vdi(1)), Ambiguous),
        ("vmdk and mbr", boot(vmdk()), Ambiguous),
        ("qcow2 and iso", cd(qcow2()), Ambiguous),
        ("luks and iso", cd(luks(1)), Ambiguous),
        ("vmdk and iso", cd(vmdk()), Ambiguous),
        (
            "vmdk text and iso",
            cd(vmdk_of(b"").with(0, descriptor("x", "").as_bytes())),
            Ambiguous,
        ),
        ("qcow2 and vdi", vdi(1).with(0, b"QFI\xfb"), Ambiguous),
        ("qcow2, iso and mbr", cd(boot(qcow2())), Ambiguous),
    ]
}
