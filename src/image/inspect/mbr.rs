//! Disks with a partition table: MBR, and GPT behind its protective MBR.

use std::io::{Read, Result, Seek};

use super::source::{Piece, Source};
use super::{Format, Match};

/// Where the four entries begin.
const ENTRIES: usize = 446;
/// The entry that stands for a whole GPT disk.
const PROTECTIVE: u8 = 0xee;

pub(super) fn look<R: Read + Seek>(source: &mut Source<R>) -> Result<Option<Match>> {
    let sector = source.at(0, 512)?;
    if sector.u16_le(510) != Some(0xaa55) || is_fat(&sector) {
        return Ok(None);
    }
    let mut found = Match::safe(Format::Gpt, source.size());
    let mut used = Vec::new();
    let mut protective = false;
    for number in 0..4 {
        let Some(entry) = sector.bytes(ENTRIES + 16 * number, 16) else {
            continue;
        };
        let &[boot, head, sector, track, kind, _, _, _, a, b, c, d, ..] = entry else {
            continue;
        };
        found = found.refuse_if(
            !matches!(boot, 0 | 0x80),
            &format!("partition {number} has an invalid boot flag"),
        );
        if kind != 0 {
            used.push(number);
        }
        if kind == PROTECTIVE {
            protective = true;
            let start = u32::from_le_bytes([a, b, c, d]);
            found = found
                .refuse_if(
                    (head, sector, track) != (0, 2, 0),
                    "the protective partition has an invalid start (CHS)",
                )
                .refuse_if(
                    start != 1,
                    "the protective partition has an invalid start (LBA)",
                );
        }
    }
    Ok(Some(
        found
            .refuse_if(
                protective && used != [0],
                "there are partitions beside the protective one",
            )
            .refuse_if(used.is_empty(), "its partition table is empty"),
    ))
}

/// The boot sector of a FAT file system ends like an MBR.
fn is_fat(sector: &Piece) -> bool {
    sector.u8(0x10) == Some(2) && sector.u8(0x15) == Some(0xf8)
}
