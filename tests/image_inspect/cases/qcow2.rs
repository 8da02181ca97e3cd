//! qcow2.

use cinder_volume_xtremio::image::inspect::Format;

use super::Case;
use super::Expected::{Refused, Taken};
use crate::support::disk_files::*;

pub(super) fn qcow2s() -> Vec<Case> {
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
