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
    Ok(Some(match (header.u64_be(40), header.u32_be(60)) {
        // A differencing disk (4) names its parent.
        (Some(size), Some(DYNAMIC)) => Match::safe(Format::Vhd, size),
        (Some(_), Some(_)) => Match::broken(Format::Vhd, "it is not a dynamic disk"),
        _ => Match::broken(Format::Vhd, "its header is cut off"),
    }))
}

/// VirtualBox; a differencing image (type 4) names its parent by id.
pub(super) fn vdi<R: Read + Seek>(source: &mut Source<R>) -> Result<Option<Match>> {
    const SIGNATURE: u32 = 0xbeda_107f;
    let header = source.at(0, 512)?;
    if header.u32_le(0x40) != Some(SIGNATURE) {
        return Ok(None);
    }
    Ok(Some(match (header.u64_le(0x170), header.u32_le(0x4c)) {
        (Some(size), Some(1 | 2)) => Match::safe(Format::Vdi, size),
        (Some(_), Some(_)) => Match::broken(Format::Vdi, "it is neither dynamic nor static"),
        _ => Match::broken(Format::Vdi, "its header is cut off"),
    }))
}

/// An encrypted disk; what is in it nobody can see here.
pub(super) fn luks<R: Read + Seek>(source: &mut Source<R>) -> Result<Option<Match>> {
    const SECTOR: u64 = 512;
    let header = source.at(0, 592)?;
    if !header.starts_with(b"LUKS\xba\xbe") {
        return Ok(None);
    }
    let payload = header
        .u32_be(104)
        .map(|sectors| u64::from(sectors) * SECTOR);
    Ok(Some(match (header.u16_be(6), payload) {
        (Some(1), Some(payload)) => {
            Match::safe(Format::Luks, source.size().saturating_sub(payload))
        }
        (Some(_), _) => Match::broken(Format::Luks, "its version is not 1"),
        _ => Match::broken(Format::Luks, "its header is cut off"),
    }))
}

/// ISO 9660 and UDF: 16 sectors of anything, then a volume descriptor.
pub(super) fn iso<R: Read + Seek>(source: &mut Source<R>) -> Result<Option<Match>> {
    const SYSTEM_AREA: u64 = 32 * 1024;
    const PRIMARY: u8 = 1;
    let header = source.at(SYSTEM_AREA, 2048)?;
    let name = header.bytes(1, 5).unwrap_or_default();
    if ![&b"CD001"[..], b"NSR02", b"NSR03"].contains(&name) {
        return Ok(None);
    }
    // Copied byte for byte: the volume must hold the file, whatever the descriptor says.
    let size = match (header.u8(0), header.u32_le(80), header.u16_le(128)) {
        (Some(PRIMARY), Some(blocks), Some(block)) => u64::from(blocks) * u64::from(block),
        _ => 0,
    };
    Ok(Some(Match::safe(Format::Iso, size.max(source.size()))))
}
