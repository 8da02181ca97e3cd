//! VHDX: the size stands behind two tables of references.

use std::io::{Read, Result, Seek};

use super::source::{Piece, Source};
use super::{Format, Match};

const REGION_TABLE: u64 = 192 * 1024;
const REGION_TABLE_LENGTH: usize = 64 * 1024;
const METADATA_TABLE_LENGTH: usize = 64 * 1024;
/// Entries in either table.
const MOST_ENTRIES: usize = 2047;
const ENTRY: usize = 32;

/// GUIDs as they stand in the file: the first three groups little-endian.
const METADATA_REGION: [u8; 16] = [
    0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b, 0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e,
];
const VIRTUAL_DISK_SIZE: [u8; 16] = [
    0x24, 0x42, 0xa5, 0x2f, 0x1b, 0xcd, 0x76, 0x48, 0xb2, 0x11, 0x5d, 0xbe, 0xd8, 0x3b, 0xf4, 0xb8,
];
/// Names the parent of a differencing disk.
const PARENT_LOCATOR: [u8; 16] = [
    0x2d, 0x5f, 0xd3, 0xa8, 0x0b, 0xb3, 0x4d, 0x45, 0xab, 0xf7, 0xd3, 0xd8, 0x48, 0x34, 0xab, 0x0c,
];

pub(super) fn look<R: Read + Seek>(source: &mut Source<R>) -> Result<Option<Match>> {
    if !source.at(0, 8)?.starts_with(b"vhdxfile") {
        return Ok(None);
    }
    Ok(Some(match size(source)? {
        Ok((size, parent)) => {
            Match::safe(Format::Vhdx, size).refuse_if(parent, "it has a parent disk")
        }
        Err(reason) => Match::broken(Format::Vhdx, reason),
    }))
}

/// The size of the disk, and whether it has a parent; or what is wrong.
fn size<R: Read + Seek>(
    source: &mut Source<R>,
) -> Result<std::result::Result<(u64, bool), &'static str>> {
    let regions = source.at(REGION_TABLE, REGION_TABLE_LENGTH)?;
    if !regions.starts_with(b"regi") {
        return Ok(Err("it has no region table"));
    }
    let count = regions.u32_le(8).map_or(usize::MAX, |n| n as usize);
    let Some(region) = entry(&regions, 16, count, &METADATA_REGION) else {
        return Ok(Err("its region table names no metadata"));
    };
    let Some(region) = regions.u64_le(region + 16) else {
        return Ok(Err("its region table is cut off"));
    };
    let metadata = source.at(region, METADATA_TABLE_LENGTH)?;
    if !metadata.starts_with(b"metadata") {
        return Ok(Err("its metadata have no table"));
    }
    let count = metadata.u16_le(10).map_or(usize::MAX, usize::from);
    let Some(item) = entry(&metadata, ENTRY, count, &VIRTUAL_DISK_SIZE) else {
        return Ok(Err("its metadata name no size"));
    };
    let parent = entry(&metadata, ENTRY, count, &PARENT_LOCATOR).is_some();
    let place = metadata
        .u32_le(item + 16)
        .and_then(|offset| region.checked_add(u64::from(offset)));
    let Some(place) = place else {
        return Ok(Err("its metadata are cut off"));
    };
    Ok(source
        .at(place, 8)?
        .u64_le(0)
        .map(|size| (size, parent))
        .ok_or("its size is cut off"))
}

/// Where the entry with this GUID begins; a table that claims too many entries has none.
fn entry(table: &Piece, first: usize, count: usize, guid: &[u8; 16]) -> Option<usize> {
    if count > MOST_ENTRIES {
        return None;
    }
    (0..count)
        .map(|number| first + number * ENTRY)
        .find(|at| table.bytes(*at, 16) == Some(guid))
}
