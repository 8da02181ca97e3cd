//! VMDK: a text describes where the data are, which may be any file of the machine.

use std::io::{Read, Result, Seek};

use super::source::{Piece, Source};
use super::{Format, Match};

const SECTOR: u64 = 512;
/// Where qemu expects the descriptor, and the longest it reads.
const DESCRIPTOR_AT: u64 = 512;
const LONGEST_DESCRIPTOR: u64 = (1 << 20) - 1;
/// `gdOffset` of a file whose valid header is the footer.
const AT_END: u64 = u64::MAX;
const SIGNATURE: &[u8] = b"KDMV";
/// Kinds that keep all in this one file.
const ALLOWED: [&str; 2] = ["monolithicsparse", "streamoptimized"];

pub(super) fn look<R: Read + Seek>(source: &mut Source<R>) -> Result<Option<Match>> {
    let header = source.at(0, 512)?;
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
        .refuse_if(
            at.checked_mul(SECTOR) != Some(DESCRIPTOR_AT),
            "its descriptor is not where it belongs",
        );
    let length = length.saturating_mul(SECTOR).min(LONGEST_DESCRIPTOR);
    let descriptor = source.at(DESCRIPTOR_AT, usize::try_from(length).unwrap_or(0))?;
    found.reasons.extend(broken_rules(&descriptor));
    if directory == AT_END {
        found.reasons.extend(footer(&header, &source.end(1536)?));
    }
    Ok(Some(found))
}

/// A file that is nothing but a descriptor: all its data are in other files.
fn bare_descriptor<R: Read + Seek>(
    source: &mut Source<R>,
    header: &Piece,
) -> Result<Option<Match>> {
    let text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    // Some writers pad it with zeros.
    let words = header.0.split(|byte| *byte == 0).next().unwrap_or_default();
    if words.len() < 16 || !words.iter().all(text) {
        return Ok(None);
    }
    let whole = source.at(0, LONGEST_DESCRIPTOR as usize)?;
    let whole = String::from_utf8_lossy(&whole.0).to_ascii_lowercase();
    Ok(whole
        .contains("createtype")
        .then(|| Match::broken(Format::Vmdk, "its data are in other files")))
}

/// Every line must be one that is understood, and none may lead out of this file.
fn broken_rules(descriptor: &Piece) -> Vec<String> {
    let text = descriptor.0.split(|byte| *byte == 0).next();
    let text = text.unwrap_or_default();
    if !text.is_ascii() {
        return vec!["its descriptor is not ASCII".to_owned()];
    }
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    let mut broken = Vec::new();
    let mut extents = 0;
    let mut kinds = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') || line.starts_with("ddb") {
            continue;
        }
        let first = line.split(' ').next().unwrap_or_default();
        if ["rw", "rdonly", "noaccess"].contains(&first) {
            extents += 1;
            if line.contains('/') {
                broken.push("an extent names a path".to_owned());
            }
        } else if let Some((key, value)) = line.split_once('=')
            && !key.contains(' ')
        {
            match key {
                "createtype" => kinds.push(value.trim_matches('"').to_owned()),
                // No parent is all ones.
                "parentcid" if value != "ffffffff" => {
                    broken.push("it has a parent disk".to_owned());
                }
                "parentfilenamehint" => broken.push("it names a parent disk".to_owned()),
                _ => {}
            }
        } else {
            broken.push("its descriptor has a line that is not understood".to_owned());
        }
    }
    match kinds.as_slice() {
        [kind] if ALLOWED.contains(&kind.as_str()) => {}
        _ => broken.push("it is neither monolithicSparse nor streamOptimized".to_owned()),
    }
    // The extent that it is itself, and no other.
    if extents != 1 {
        broken.push(format!("it has {extents} extents"));
    }
    broken
}

/// A footer replaces the header: it must describe the same disk, and be the only one.
fn footer(header: &Piece, end: &Piece) -> Vec<String> {
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
    let mut rule = |kept: bool, reason: &str| {
        if !kept {
            broken.push(reason.to_owned());
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
