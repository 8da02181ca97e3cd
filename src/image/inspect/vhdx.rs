//! VHDX: the size stands behind two tables of references.

use std::io::{Read, Result, Seek};

use super::source::{Piece, Source};
use super::{Format, Match};

const REGION_TABLE: u64 = 192 * 1024;
const TABLE: usize = 64 * 1024;
/// Regions begin at multiples of it, behind the headers.
const MIB: u64 = 1 << 20;
/// Entries in either table.
const MOST_ENTRIES: usize = 2047;
const ENTRY: usize = 32;

/// GUIDs as they stand in the file: the first three groups little-endian.
const METADATA_REGION: [u8; 16] = [
    0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b, 0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e,
];
const FILE_PARAMETERS: [u8; 16] = [
    0x37, 0x67, 0xa1, 0xca, 0x36, 0xfa, 0x43, 0x4d, 0xb3, 0xb6, 0x33, 0xf0, 0xaa, 0x44, 0xe7, 0x6b,
];
const VIRTUAL_DISK_SIZE: [u8; 16] = [
    0x24, 0x42, 0xa5, 0x2f, 0x1b, 0xcd, 0x76, 0x48, 0xb2, 0x11, 0x5d, 0xbe, 0xd8, 0x3b, 0xf4, 0xb8,
];
/// Names the parent of a differencing disk.
const PARENT_LOCATOR: [u8; 16] = [
    0x2d, 0x5f, 0xd3, 0xa8, 0x0b, 0xb3, 0x4d, 0x45, 0xab, 0xf7, 0xd3, 0xd8, 0x48, 0x34, 0xab, 0x0c,
];
/// Bit of the file parameters of a differencing disk.
const HAS_PARENT: u32 = 2;

type Found<T> = std::result::Result<T, &'static str>;

pub(super) fn look<R: Read + Seek>(source: &mut Source<R>) -> Result<Option<Match>> {
    if !source.at(0, 8)?.starts_with(b"vhdxfile") {
        return Ok(None);
    }
    Ok(Some(match metadata(source)? {
        Ok(metadata) => match disk(source, &metadata)? {
            Ok(found) => found,
            Err(reason) => Match::broken(Format::Vhdx, reason),
        },
        Err(reason) => Match::broken(Format::Vhdx, reason),
    }))
}

/// The table of what is said of the disk, and where it stands.
struct Metadata {
    at: u64,
    table: Piece,
    count: usize,
}

fn metadata<R: Read + Seek>(source: &mut Source<R>) -> Result<Found<Metadata>> {
    let regions = source.at(REGION_TABLE, TABLE)?;
    if !regions.starts_with(b"regi") {
        return Ok(Err("it has no region table"));
    }
    let count = regions.u32_le(8).map_or(usize::MAX, |n| n as usize);
    let Some(at) =
        only(&regions, 16, count, &METADATA_REGION).and_then(|region| regions.u64_le(region + 16))
    else {
        return Ok(Err("its region table names no metadata, or several"));
    };
    // Who reads it as a stream never sees what stands before the table that names it.
    if at < MIB || at % MIB != 0 {
        return Ok(Err("its metadata are not where they belong"));
    }
    let table = source.at(at, TABLE)?;
    if !table.starts_with(b"metadata") {
        return Ok(Err("its metadata have no table"));
    }
    let count = table.u16_le(10).map_or(usize::MAX, usize::from);
    Ok(Ok(Metadata { at, table, count }))
}

fn disk<R: Read + Seek>(source: &mut Source<R>, metadata: &Metadata) -> Result<Found<Match>> {
    let Some(size) = item(source, metadata, &VIRTUAL_DISK_SIZE)?.and_then(|size| size.u64_le(0))
    else {
        return Ok(Err("its metadata name no size"));
    };
    let Some(bits) =
        item(source, metadata, &FILE_PARAMETERS)?.and_then(|parameters| parameters.u32_le(4))
    else {
        return Ok(Err("its metadata name no parameters"));
    };
    let located = entries(&metadata.table, ENTRY, metadata.count, &PARENT_LOCATOR)
        .next()
        .is_some();
    Ok(Ok(Match::safe(Format::Vhdx, size).refuse_if(
        located || bits & HAS_PARENT != 0,
        "it has a parent disk",
    )))
}

/// The eight bytes of an item; none if there is no such item, several, or one of another length.
fn item<R: Read + Seek>(
    source: &mut Source<R>,
    metadata: &Metadata,
    guid: &[u8; 16],
) -> Result<Option<Piece>> {
    const LENGTH: usize = 8;
    let Metadata { at, table, count } = metadata;
    let Some(entry) = only(table, ENTRY, *count, guid) else {
        return Ok(None);
    };
    let (Some(offset), Some(8)) = (table.u32_le(entry + 16), table.u32_le(entry + 20)) else {
        return Ok(None);
    };
    let place = at.checked_add(u64::from(offset));
    let (Some(place), true) = (place, offset as usize >= TABLE) else {
        return Ok(None);
    };
    let piece = source.at(place, LENGTH)?;
    Ok(piece.is_whole(LENGTH).then_some(piece))
}

/// Where the entry with this GUID begins. With several, two programs may take two.
fn only(table: &Piece, first: usize, count: usize, guid: &[u8; 16]) -> Option<usize> {
    let mut entries = entries(table, first, count, guid);
    entries.next().filter(|_| entries.next().is_none())
}

/// Where entries with this GUID begin; a table that claims too many entries has none.
fn entries(
    table: &Piece,
    first: usize,
    count: usize,
    guid: &[u8; 16],
) -> impl Iterator<Item = usize> {
    let count = if count > MOST_ENTRIES { 0 } else { count };
    (0..count)
        .map(move |number| first + number * ENTRY)
        .filter(move |at| table.bytes(*at, 16) == Some(guid))
}
