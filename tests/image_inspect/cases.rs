//! What is expected of which file, and that nobody else would rather refuse it.

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

const KIB: usize = 1 << 10;

pub(super) fn all() -> Vec<Case> {
    [
        raw(),
        qcow2s(),
        vmdks(),
        descriptors(),
        footers(),
        vhds(),
        vhdxs(),
        others(),
        several(),
    ]
    .concat()
}

fn length(file: &DiskFile) -> u64 {
    file.0.len() as u64
}

fn raw() -> Vec<Case> {
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

fn qcow2s() -> Vec<Case> {
    let taken = Taken(Format::Qcow2, SIZE);
    let refused = |why| Refused(Format::Qcow2, why);
    vec![
        ("qcow2", qcow2(), taken),
        ("qcow2 v2", qcow2_v2(), taken),
        ("qcow2 dirty, corrupt, zstd", qcow2_features(0b1011), taken),
        (
            "qcow2 encrypted",
            qcow2().with(32, &2_u32.to_be_bytes()),
            taken,
        ),
        (
            "qcow2 compatible features",
            qcow2().with(80, &[0xff; 16]),
            taken,
        ),
        (
            "qcow2 of 2^63-1",
            qcow2().with(24, &[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            Taken(Format::Qcow2, (1 << 63) - 1),
        ),
        (
            "qcow2 backed",
            qcow2_backed("/etc/passwd"),
            refused("it has a backing file"),
        ),
        (
            "qcow2 v2 backed",
            qcow2_v2().with(15, &[1]),
            refused("it has a backing file"),
        ),
        (
            "qcow2 v2, high offset",
            qcow2_v2().with(8, &[1]),
            refused("it has a backing file"),
        ),
        (
            "qcow2 data file",
            qcow2_data_file("/etc/passwd"),
            refused("it has a data file"),
        ),
        (
            "qcow2 extended L2",
            qcow2_features(16),
            refused("it has unknown features"),
        ),
        (
            "qcow2 feature 63",
            qcow2_features(1 << 63),
            refused("it has unknown features"),
        ),
        (
            "qcow2 v2 data file",
            qcow2_v2().with(79, &[4]),
            refused("it has a data file"),
        ),
        (
            "qcow2 v2 extension",
            qcow2_v2().with(72, &[0xe2]),
            refused("it has unknown features"),
        ),
        (
            "qcow2 v0",
            qcow2().with(7, &[0]),
            refused("its version is not 2 or 3"),
        ),
        (
            "qcow v1",
            qcow2().with(7, &[1]),
            refused("its version is not 2 or 3"),
        ),
        (
            "qcow2 v4",
            qcow2().with(7, &[4]),
            refused("its version is not 2 or 3"),
        ),
        (
            "qcow2 v3 + 2^24",
            qcow2().with(4, &[1]),
            refused("its version is not 2 or 3"),
        ),
        (
            "qcow2 of 2^64-1",
            qcow2().with(24, &[0xff; 8]),
            refused("its size is absurd"),
        ),
        (
            "qcow2 of 511 bytes",
            qcow2().sized(511),
            refused("its header is cut off"),
        ),
    ]
}

fn own(text: &str) -> DiskFile {
    vmdk_of((descriptor("monolithicSparse", OWN_EXTENT) + text).as_bytes())
}

fn vmdks() -> Vec<Case> {
    let taken = Taken(Format::Vmdk, SIZE);
    let refused = |why| Refused(Format::Vmdk, why);
    let stream = descriptor("streamOptimized", OWN_EXTENT);
    let sectors = |n: u64| vmdk().with(12, &n.to_le_bytes());
    vec![
        ("vmdk", vmdk(), taken),
        ("vmdk stream", vmdk_of(stream.as_bytes()), taken),
        (
            "vmdk CRLF",
            vmdk_of(stream.replace('\n', "\r\n").as_bytes()),
            taken,
        ),
        (
            "vmdk upper case",
            vmdk_of(stream.to_uppercase().as_bytes()),
            taken,
        ),
        ("vmdk v3", vmdk().with(4, &[3]), taken),
        (
            "vmdk v4",
            vmdk().with(4, &[4]),
            refused("its version is not 1, 2 or 3"),
        ),
        (
            "vmdk v0",
            vmdk().with(4, &[0]),
            refused("its version is not 1, 2 or 3"),
        ),
        (
            "vmdk ESX",
            DiskFile::zeros(4096).with(0, b"COWD"),
            refused("its kind is not allowed"),
        ),
        (
            "vmdk of 40 bytes",
            vmdk().sized(40),
            refused("its header is cut off"),
        ),
        (
            "vmdk of 5000 bytes",
            vmdk().sized(5000),
            refused("its descriptor is cut off"),
        ),
        (
            "vmdk empty",
            sectors(0),
            refused("its data are in other files"),
        ),
        (
            "vmdk of 2^72",
            sectors(1 << 63),
            refused("its size is absurd"),
        ),
        (
            "vmdk of 2^63",
            sectors(1 << 54),
            refused("its size is absurd"),
        ),
        (
            "vmdk descriptor elsewhere",
            vmdk().with(28, &[2]),
            refused("not where it belongs"),
        ),
        (
            "vmdk descriptor nowhere",
            vmdk().with(28, &[0]),
            refused("not where it belongs"),
        ),
        (
            "vmdk descriptor far",
            vmdk().with(28, &[0xff; 8]),
            refused("not where it belongs"),
        ),
        (
            "vmdk no descriptor",
            vmdk().with(36, &[0]),
            refused("longer than it says"),
        ),
        (
            "vmdk long descriptor",
            vmdk().with(36, &[0xff; 8]),
            refused("its descriptor is cut off"),
        ),
    ]
}

fn descriptors() -> Vec<Case> {
    let refused = |why| Refused(Format::Vmdk, why);
    let of = |kind: &str, extent: &str| vmdk_of(descriptor(kind, extent).as_bytes());
    let flat = "RW 2048 FLAT \"/etc/passwd\" 0";
    let text = |kind: &str| descriptor(kind, flat);
    let extents = format!("{OWN_EXTENT}\n{OWN_EXTENT}");
    let child = descriptor("monolithicSparse", OWN_EXTENT).replace("ffffffff", "12345678");
    let filled = DiskFile(text("monolithicFlat").into_bytes());
    let others = "its data are in other files";
    vec![
        (
            "vmdk flat",
            of("monolithicFlat", flat),
            refused("neither monolithicSparse"),
        ),
        (
            "vmdk path",
            of("monolithicSparse", flat),
            refused("an extent names a path"),
        ),
        (
            "vmdk flat inside",
            of("monolithicSparse", "RW 8 FLAT \"x\" 0"),
            refused("not a part"),
        ),
        (
            "vmdk two extents",
            of("monolithicSparse", &extents),
            refused("not have one extent"),
        ),
        (
            "vmdk no extent",
            of("monolithicSparse", ""),
            refused("not have one extent"),
        ),
        (
            "vmdk tabs",
            of("monolithicSparse", "RW\t8\tFLAT\t\"a=b\"\t0"),
            refused("not understood"),
        ),
        (
            "vmdk other line",
            own("a line\n"),
            refused("not understood"),
        ),
        ("vmdk spaced", own("a = b\n"), refused("not understood")),
        (
            "vmdk field",
            own("encoding=\"UTF-8\"\n"),
            Taken(Format::Vmdk, SIZE),
        ),
        (
            "vmdk comment",
            own("# of /etc/passwd\n"),
            Taken(Format::Vmdk, SIZE),
        ),
        (
            "vmdk child",
            vmdk_of(child.as_bytes()),
            refused("it has a parent disk"),
        ),
        (
            "vmdk hint",
            own("parentFileNameHint=\"x\"\n"),
            refused("it names a parent disk"),
        ),
        (
            "vmdk ddb hint",
            own("ddb.parentFileNameHint=\"x\"\n"),
            refused("it names a parent disk"),
        ),
        (
            "vmdk hint in comment",
            own("#parentFileNameHint=\"x\"\n"),
            refused("names a parent disk"),
        ),
        (
            "vmdk second kind",
            own("createType=\"monolithicSparse\"\n"),
            refused("neither mono"),
        ),
        (
            "vmdk kind in comment",
            own("#createType=\"vmfs\"\n"),
            refused("neither mono"),
        ),
        (
            "vmdk bare kind",
            vmdk_of(
                descriptor("x", OWN_EXTENT)
                    .replace("\"x\"", "streamOptimized")
                    .as_bytes(),
            ),
            refused("neither mono"),
        ),
        ("vmdk not ASCII", own("# \u{e4}\n"), refused("not ASCII")),
        (
            "vmdk behind its end",
            vmdk().with(5000, b"RW"),
            refused("goes on behind its end"),
        ),
        (
            "vmdk no end",
            vmdk_of(&[b'#'; 10241]),
            refused("longer than it says"),
        ),
        ("vmdk text", filled.clone(), refused(others)),
        (
            "vmdk text, zeros",
            filled.clone().sized(4096),
            refused(others),
        ),
        (
            "vmdk text, old tab",
            filled.with(0, b"\x0b"),
            refused(others),
        ),
        (
            "vmdk text, sparse",
            DiskFile(descriptor("monolithicSparse", OWN_EXTENT).into()),
            refused(others),
        ),
        (
            "vmdk comment of any bytes",
            DiskFile(b"#\0\xff\n \r\nversion=1\n".to_vec()).sized(512),
            refused(others),
        ),
        (
            "vmdk text not ASCII",
            DiskFile(vec![b'#'; 600]).and(&[0xff]).sized(4096),
            refused("not ASCII"),
        ),
    ]
}

fn footers() -> Vec<Case> {
    let refused = |why| Refused(Format::Vmdk, why);
    let end = vmdk_footer().0.len();
    let (marker, footer, last) = (end - 1536, end - 1024, end - 512);
    let with = |at: usize, bytes: &[u8]| vmdk_footer().with(at, bytes);
    vec![
        ("footer", vmdk_footer(), Taken(Format::Vmdk, SIZE)),
        (
            "footer, no magic",
            with(footer, b"KDMW"),
            refused("differs from its header"),
        ),
        (
            "footer, version",
            with(footer + 4, &[1]),
            refused("differs from its header"),
        ),
        (
            "footer, size",
            with(footer + 12, &[0; 8]),
            refused("differs from its header"),
        ),
        (
            "footer, descriptor",
            with(footer + 28, &[9]),
            refused("differs from its header"),
        ),
        (
            "footer, length",
            with(footer + 36, &[9]),
            refused("differs from its header"),
        ),
        (
            "footer, again",
            with(footer + 56, &[0xff; 8]),
            refused("names another footer"),
        ),
        (
            "footer, marker size",
            with(marker + 8, &[1]),
            refused("the marker of its footer"),
        ),
        (
            "footer, marker kind",
            with(marker + 12, &[2]),
            refused("the marker of its footer"),
        ),
        (
            "footer, marker rest",
            with(marker + 100, &[2]),
            refused("the marker of its footer"),
        ),
        (
            "footer, end",
            with(last, &[1]),
            refused("its end-of-stream marker"),
        ),
        (
            "footer, end rest",
            with(last + 511, &[1]),
            refused("its end-of-stream marker"),
        ),
        (
            "footer, more",
            vmdk_footer().and(&[0; 512]),
            refused("differs from its header"),
        ),
        (
            "footer, cut",
            vmdk_footer().sized(end - 512),
            refused("differs from its header"),
        ),
        (
            "footer, a byte more",
            vmdk_footer().and(&[0]),
            refused("no whole number of sectors"),
        ),
    ]
}

fn vhds() -> Vec<Case> {
    let refused = |why| Refused(Format::Vhd, why);
    let grown = (SIZE * 2).to_be_bytes();
    vec![
        ("vhd", vhd(3), Taken(Format::Vhd, SIZE)),
        (
            "vhd grown",
            vhd(3).with(48, &grown),
            Taken(Format::Vhd, SIZE * 2),
        ),
        (
            "vhd shrunk",
            vhd(3).with(40, &grown),
            Taken(Format::Vhd, SIZE * 2),
        ),
        (
            "vhd fixed in front",
            vhd(2),
            refused("it is not a dynamic disk"),
        ),
        (
            "vhd differencing",
            vhd(4),
            refused("it is not a dynamic disk"),
        ),
        (
            "vhd absurd",
            vhd(3).with(40, &[0xff; 8]),
            refused("its size is absurd"),
        ),
        (
            "vhd of 511 bytes",
            vhd(3).sized(511),
            refused("its header is cut off"),
        ),
    ]
}

fn vhdxs() -> Vec<Case> {
    let refused = |why| Refused(Format::Vhdx, why);
    let m = VHDX_METADATA;
    let entry = |at: u32, length| vhdx_entry("2442a52f1bcd7648b2115dbed83bf4b8", at, length);
    let parent = vhdx_entry(VHDX_PARENT, 0x1_0010, 8);
    let item = m + 64 * KIB;
    vec![
        ("vhdx", vhdx(), Taken(Format::Vhdx, SIZE)),
        (
            "vhdx parent",
            vhdx().with(m + 10, &[3]).with(m + 96, &parent),
            refused("a parent disk"),
        ),
        (
            "vhdx parent bit",
            vhdx().with(item + 4, &[2]),
            refused("a parent disk"),
        ),
        (
            "vhdx absurd",
            vhdx().with(item + 8, &[0xff; 8]),
            refused("its size is absurd"),
        ),
        (
            "vhdx only a name",
            vhdx().sized(8),
            refused("no region table"),
        ),
        (
            "vhdx no regions",
            vhdx().with(192 * KIB, b"regj"),
            refused("no region table"),
        ),
        (
            "vhdx many regions",
            vhdx().with(192 * KIB + 8, &[0, 8]),
            refused("names no metadata"),
        ),
        (
            "vhdx endless regions",
            vhdx().with(192 * KIB + 8, &[0xff; 4]),
            refused("no metadata"),
        ),
        (
            "vhdx no metadata",
            vhdx().with(m, b"metadatA"),
            refused("have no table"),
        ),
        (
            "vhdx metadata far",
            vhdx().with(192 * KIB + 32 + 3, &[0xff; 4]),
            refused("no table"),
        ),
        (
            "vhdx metadata early",
            vhdx().with(192 * KIB + 32, &[0; 8]),
            refused("where they belong"),
        ),
        (
            "vhdx metadata odd",
            vhdx().with(192 * KIB + 32, &[1]),
            refused("where they belong"),
        ),
        (
            "vhdx no items",
            vhdx().with(m + 10, &[0]),
            refused("name no size"),
        ),
        (
            "vhdx many items",
            vhdx().with(m + 10, &[0xff; 2]),
            refused("name no size"),
        ),
        (
            "vhdx two sizes",
            vhdx().with(m + 10, &[3]).with(m + 96, &entry(0x1_0008, 8)),
            refused("name no size"),
        ),
        (
            "vhdx odd size",
            vhdx().with(m + 64, &entry(0x1_0008, 9)),
            refused("name no size"),
        ),
        (
            "vhdx early size",
            vhdx().with(m + 64, &entry(8, 8)),
            refused("name no size"),
        ),
        (
            "vhdx far size",
            vhdx().with(m + 64, &entry(u32::MAX, 8)),
            refused("name no size"),
        ),
        (
            "vhdx cut size",
            vhdx().sized(item + 15),
            refused("name no size"),
        ),
        (
            "vhdx no parameters",
            vhdx().with(m + 32, &[0]),
            refused("name no parameters"),
        ),
    ]
}

fn others() -> Vec<Case> {
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
fn several() -> Vec<Case> {
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
