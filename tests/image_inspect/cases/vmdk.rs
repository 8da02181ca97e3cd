//! VMDK: its header and its footer.

use cinder_volume_xtremio::image::inspect::Format;

use super::Case;
use super::Expected::{Refused, Taken};
use crate::support::disk_files::*;

pub(super) fn vmdks() -> Vec<Case> {
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
            refused("neither monolithicSparse"),
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

pub(super) fn footers() -> Vec<Case> {
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
