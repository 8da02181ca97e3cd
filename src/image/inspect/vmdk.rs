//! VMDK: a text describes where the data are, which may be any file of the machine.

use std::io::{Read, Result, Seek};

use super::descriptor::broken_rules;
use super::source::{Piece, Source};
use super::{Format, Match};

const SECTOR: u64 = 512;
/// Where qemu expects the descriptor, and the longest it reads.
const DESCRIPTOR_AT: u64 = 512;
const LONGEST_DESCRIPTOR: usize = (1 << 20) - 1;
/// `gdOffset` of a file whose valid header is the footer.
const AT_END: u64 = u64::MAX;
const SIGNATURE: &[u8] = b"KDMV";
/// The kind before it, of ESX: qemu reads it, and no image is of it.
const OLD_SIGNATURE: &[u8] = b"COWD";

pub(super) fn look<R: Read + Seek>(source: &mut Source<R>) -> Result<Option<Match>> {
    let header = source.at(0, 512)?;
    if header.starts_with(OLD_SIGNATURE) {
        return Ok(Some(Match::broken(Format::Vmdk, "its kind is not allowed")));
    }
    if !header.starts_with(SIGNATURE) {
        return bare_descriptor(source, &header);
    }
    let fields = (
        header.u32_le(4),
        header.u64_le(12),
        header.u64_le(28),
        header.u64_le(36),
        header.u64_le(56),
    );
    let (Some(version), Some(sectors), Some(at), Some(length), Some(directory)) = fields else {
        return Ok(Some(Match::broken(Format::Vmdk, "its header is cut off")));
    };
    let Some(size) = sectors.checked_mul(SECTOR) else {
        return Ok(Some(Match::broken(Format::Vmdk, "its size is absurd")));
    };
    let mut found = Match::safe(Format::Vmdk, size)
        .refuse_if(!matches!(version, 1..=3), "its version is not 1, 2 or 3")
        // qemu then takes the descriptor for the whole file, and opens what it names.
        .refuse_if(sectors == 0, "its data are in other files")
        .refuse_if(
            at.checked_mul(SECTOR) != Some(DESCRIPTOR_AT),
            "its descriptor is not where it belongs",
        );
    let claimed = usize::try_from(length.saturating_mul(SECTOR)).unwrap_or(usize::MAX);
    let place = source.at(DESCRIPTOR_AT, LONGEST_DESCRIPTOR)?;
    for reason in broken_rules(&place.0, claimed.min(LONGEST_DESCRIPTOR)) {
        found = found.refuse_if(true, reason);
    }
    if directory == AT_END {
        // A footer is looked for from the end, which not everyone rounds alike.
        found = found.refuse_if(
            source.size() % SECTOR != 0,
            "its size is no whole number of sectors",
        );
        for reason in footer(&header, &source.end(1536)?) {
            found = found.refuse_if(true, reason);
        }
    }
    Ok(Some(found))
}

/// A file that is nothing but a descriptor: all its data are in other files.
fn bare_descriptor<R: Read + Seek>(
    source: &mut Source<R>,
    header: &Piece,
) -> Result<Option<Match>> {
    /// From here on oslo.utils believes that a text is a descriptor.
    const ENOUGH: usize = 64;
    /// Shorter than the shortest name of a kind.
    const FEW: usize = 16;
    let other_files = || {
        Ok(Some(Match::broken(
            Format::Vmdk,
            "its data are in other files",
        )))
    };
    if names_version(&header.0) {
        return other_files();
    }
    // Some writers pad it with zeros.
    let words = header.0.split(|byte| *byte == 0).next().unwrap_or_default();
    if words.len() < FEW || !words.iter().all(|byte| is_text(*byte)) {
        return Ok(None);
    }
    let whole = source.at(0, LONGEST_DESCRIPTOR)?.0;
    let text = whole.split(|byte| *byte == 0).next().unwrap_or_default();
    if words.len() == header.0.len() && words.len() >= ENOUGH && !text.is_ascii() {
        return Ok(Some(Match::broken(
            Format::Vmdk,
            "its descriptor is not ASCII",
        )));
    }
    let named = |part: &[u8]| part.eq_ignore_ascii_case(b"createtype");
    if whole.windows(10).any(named) {
        return other_files();
    }
    Ok(None)
}

/// What is a character of a text to Python.
fn is_text(byte: u8) -> bool {
    matches!(byte, 0x09..=0x0d | 0x1c..=0x7e)
}

/// What a descriptor is to qemu: after comments, of any bytes, and blank lines, its version.
fn names_version(text: &[u8]) -> bool {
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let blank = line.iter().all(|byte| b" \r\n".contains(byte));
        if !blank && !line.starts_with(b"#") {
            let Some(version) = line.strip_prefix(b"version=") else {
                return false;
            };
            return matches!(version, [b'1'..=b'3', b'\n' | b'\r', ..]);
        }
    }
    false
}

/// A footer replaces the header: it must describe the same disk, and be the only one.
fn footer(header: &Piece, end: &Piece) -> Vec<&'static str> {
    const FOOTER: u32 = 3;
    const END_OF_STREAM: u32 = 0;
    let marker = |at: usize| {
        let zero = end
            .bytes(at + 16, 496)
            .is_some_and(|rest| rest.iter().all(|b| *b == 0));
        zero.then(|| (end.u64_le(at), end.u32_le(at + 8), end.u32_le(at + 12)))
    };
    let footer = Piece(end.bytes(512, 512).unwrap_or_default().to_vec());
    let differs = [(0, 4), (4, 4), (12, 8), (28, 8), (36, 8)]
        .into_iter()
        .any(|(at, length)| header.bytes(at, length) != footer.bytes(at, length));
    let mut broken = Vec::new();
    let mut rule = |kept: bool, reason: &'static str| {
        if !kept {
            broken.push(reason);
        }
    };
    rule(!differs, "its footer differs from its header");
    rule(
        footer
            .u64_le(56)
            .is_some_and(|directory| directory != AT_END),
        "its footer names another footer",
    );
    rule(
        marker(0).is_some_and(|(_, size, kind)| (size, kind) == (Some(0), Some(FOOTER))),
        "the marker of its footer is invalid",
    );
    rule(
        marker(1024) == Some((Some(0), Some(0), Some(END_OF_STREAM))),
        "its end-of-stream marker is invalid",
    );
    broken
}
