//! VMDK: what it says of itself.

use cinder_volume_xtremio::image::inspect::Format;

use super::Case;
use super::Expected::{Refused, Taken};
use crate::support::disk_files::*;

fn own(text: &str) -> DiskFile {
    vmdk_of((descriptor("monolithicSparse", OWN_EXTENT) + text).as_bytes())
}

pub(super) fn descriptors() -> Vec<Case> {
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
