//! qcow2: may name a backing file and a data file.

use std::io::{Read, Result, Seek};

use super::source::Source;
use super::{Format, Match};

/// Incompatible features that are understood and harmless: dirty, corrupt, (not: data file),
/// compression type.
const HARMLESS: u64 = 0b1011;
/// The guest's data is in another file.
const DATA_FILE: u64 = 0b0100;

/// The smallest cluster, and what every other inspector wants to see.
const HEADER: usize = 512;

pub(super) fn look<R: Read + Seek>(source: &mut Source<R>) -> Result<Option<Match>> {
    let header = source.at(0, HEADER)?;
    if !header.starts_with(b"QFI\xfb") {
        return Ok(None);
    }
    let fields = (
        header.is_whole(HEADER),
        header.u32_be(4),
        header.u64_be(8),
        header.u64_be(24),
        header.u64_be(72),
    );
    let (true, Some(version), Some(backing), Some(size), Some(features)) = fields else {
        return Ok(Some(Match::broken(Format::Qcow2, "its header is cut off")));
    };
    // Before version 3 there were no features, and an extension of the header may begin there.
    // Cinder and oslo.utils take it for features nevertheless, and plain images have none.
    Ok(Some(
        Match::safe(Format::Qcow2, size)
            .refuse_if(backing != 0, "it has a backing file")
            .refuse_if(!matches!(version, 2 | 3), "its version is not 2 or 3")
            .refuse_if(features & DATA_FILE != 0, "it has a data file")
            .refuse_if(
                features & !(HARMLESS | DATA_FILE) != 0,
                "it has unknown features",
            ),
    ))
}
