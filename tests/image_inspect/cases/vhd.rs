//! VHD and VHDX.

use cinder_volume_xtremio::image::inspect::Format;

use super::Case;
use super::Expected::{Refused, Taken};
use crate::support::disk_files::*;

const KIB: usize = 1 << 10;

pub(super) fn vhds() -> Vec<Case> {
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

pub(super) fn vhdxs() -> Vec<Case> {
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
