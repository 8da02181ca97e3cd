//! Formats that one header tells all about.

use std::io::{Read, Result, Seek};

use super::source::Source;
use super::{Format, Match};

/// QED can name a backing file, and nobody makes such images any more.
pub(super) fn qed<R: Read + Seek>(source: &mut Source<R>) -> Result<Option<Match>> {
    let found = source.at(0, 4)?.starts_with(b"QED\0");
    Ok(found.then(|| Match::broken(Format::Qed, "the format is not allowed")))
}

/// A dynamic VHD begins with a copy of its footer. (A fixed one has the footer at its end only,
/// and is a raw disk to whoever does not look there.)
pub(super) fn vhd<R: Read + Seek>(source: &mut Source<R>) -> Result<Option<Match>> {
    const DYNAMIC: u32 = 3;
    let header = source.at(0, 512)?;
    if !header.starts_with(b"conectix") {
        return Ok(None);
    }
    // The size it was made with, and the one it has now: some read the one, some the other.
    let fields = (
        header.is_whole(512),
        header.u64_be(40),
        header.u64_be(48),
        header.u32_be(60),
    );
    let (true, Some(first), Some(now), Some(kind)) = fields else {
        return Ok(Some(Match::broken(Format::Vhd, "its header is cut off")));
    };
    // A differencing disk (4) names its parent.
    let found = Match::safe(Format::Vhd, first.max(now));
    Ok(Some(
        found.refuse_if(kind != DYNAMIC, "it is not a dynamic disk"),
    ))
}

/// VirtualBox; a differencing image (type 4) names its parent by id.
pub(super) fn vdi<R: Read + Seek>(source: &mut Source<R>) -> Result<Option<Match>> {
    const SIGNATURE: u32 = 0xbeda_107f;
    const PARENTS: usize = 0x1a8;
    let header = source.at(0, 512)?;
    if header.u32_le(0x40) != Some(SIGNATURE) {
        return Ok(None);
    }
    let fields = (
        header.is_whole(512),
        header.u32_le(0x4c),
        header.u64_le(0x170),
        header.bytes(PARENTS, 32),
    );
    let (true, Some(kind), Some(size), Some(parents)) = fields else {
        return Ok(Some(Match::broken(Format::Vdi, "its header is cut off")));
    };
    let no_parent = parents.iter().all(|byte| *byte == 0);
    Ok(Some(
        Match::safe(Format::Vdi, size)
            .refuse_if(!matches!(kind, 1 | 2), "it is neither dynamic nor static")
            .refuse_if(!no_parent, "it has a parent disk"),
    ))
}

/// An encrypted disk; what is in it nobody can see here. It is copied with its header.
pub(super) fn luks<R: Read + Seek>(source: &mut Source<R>) -> Result<Option<Match>> {
    const HEADER: usize = 592;
    let header = source.at(0, HEADER)?;
    if !header.starts_with(b"LUKS\xba\xbe") {
        return Ok(None);
    }
    Ok(Some(match (header.is_whole(HEADER), header.u16_be(6)) {
        (true, Some(version)) => {
            Match::safe(Format::Luks, source.size()).refuse_if(version != 1, "its version is not 1")
        }
        _ => Match::broken(Format::Luks, "its header is cut off"),
    }))
}

/// ISO 9660 and UDF: 16 sectors of anything, then a volume descriptor.
pub(super) fn iso<R: Read + Seek>(source: &mut Source<R>) -> Result<Option<Match>> {
    const SYSTEM_AREA: u64 = 32 * 1024;
    const DESCRIPTOR: usize = 2048;
    const PRIMARY: u8 = 1;
    let header = source.at(SYSTEM_AREA, DESCRIPTOR)?;
    let name = header.bytes(1, 5).unwrap_or_default();
    let known = [&b"CD001"[..], b"NSR02", b"NSR03"].contains(&name);
    if !known || !header.is_whole(DESCRIPTOR) {
        return Ok(None);
    }
    // Copied byte for byte: the volume must hold the file, whatever the descriptor says.
    let size = match (header.u8(0), header.u32_le(80), header.u16_le(128)) {
        (Some(PRIMARY), Some(blocks), Some(block)) => u64::from(blocks) * u64::from(block),
        _ => 0,
    };
    Ok(Some(Match::safe(Format::Iso, size.max(source.size()))))
}
