//! The `compressed` container: a file packed once more.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use tokio_util::sync::CancellationToken;

/// The two bytes with which a gzip file begins.
const SIGNATURE: [u8; 2] = [0x1f, 0x8b];
/// Bytes that are moved at once; whole blocks of zeros of this size become holes.
const BLOCK: usize = 1 << 16;

/// Whether it is such a file.
pub(super) fn is_gzip(mut file: &File) -> io::Result<bool> {
    let mut start = [0; 2];
    file.seek(SeekFrom::Start(0))?;
    match file.read_exact(&mut start) {
        Ok(()) => Ok(start == SIGNATURE),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Unpacks `packed` into the empty file `to`, where blocks of zeros stay holes. Returns the size,
/// or nothing when that would be more than `limit` bytes: a small file may unpack to any size.
pub(super) fn unpack(
    mut packed: &File,
    mut to: &File,
    limit: u64,
    stop: &CancellationToken,
) -> io::Result<Option<u64>> {
    packed.seek(SeekFrom::Start(0))?;
    let mut unpacked = MultiGzDecoder::new(BufReader::new(packed));
    let mut block = vec![0; BLOCK];
    let mut size = 0;
    loop {
        let length = fill(&mut unpacked, &mut block)?;
        unless(stop)?;
        size += length as u64;
        if size > limit {
            return Ok(None);
        }
        if block[..length].iter().any(|byte| *byte != 0) {
            to.seek(SeekFrom::Start(size - length as u64))?;
            to.write_all(&block[..length])?;
        }
        if length < block.len() {
            to.set_len(size)?;
            return Ok(Some(size));
        }
    }
}

/// Packs `from` into the empty file `to`.
pub(super) fn pack(mut from: &File, to: &File, stop: &CancellationToken) -> io::Result<()> {
    from.seek(SeekFrom::Start(0))?;
    let mut packed = GzEncoder::new(BufWriter::new(to), Compression::default());
    let mut block = vec![0; BLOCK];
    loop {
        let length = fill(&mut from, &mut block)?;
        if length == 0 {
            return packed.finish()?.flush();
        }
        unless(stop)?;
        packed.write_all(&block[..length])?;
    }
}

/// Goes on unless nobody waits any more.
fn unless(stop: &CancellationToken) -> io::Result<()> {
    if stop.is_cancelled() {
        return Err(io::Error::other("given up"));
    }
    Ok(())
}

fn fill(from: &mut impl Read, block: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < block.len() {
        match from.read(&mut block[filled..]) {
            Ok(0) => break,
            Ok(length) => filled += length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    fn go() -> CancellationToken {
        CancellationToken::new()
    }

    fn file(content: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        file
    }

    #[test]
    fn what_was_packed_unpacks_to_the_same_with_its_holes() {
        let mut content = vec![0; 3 * BLOCK + 17];
        content[5] = 1;
        content[2 * BLOCK] = 2;
        let (packed, unpacked) = (file(b""), file(b""));
        pack(&file(&content), &packed, &go()).unwrap();
        assert!(is_gzip(&packed).unwrap());
        let size = unpack(&packed, &unpacked, 1 << 20, &go()).unwrap();
        assert_eq!(size, Some(content.len() as u64));
        let mut read = Vec::new();
        (&unpacked).seek(SeekFrom::Start(0)).unwrap();
        (&unpacked).read_to_end(&mut read).unwrap();
        assert!(read == content);
        assert!(unpacked.metadata().unwrap().blocks() * 512 <= 2 * BLOCK as u64);
    }

    #[test]
    fn a_bomb_goes_no_further_than_the_limit() {
        let (packed, unpacked) = (file(b""), file(b""));
        pack(&file(&vec![7; 64 * BLOCK]), &packed, &go()).unwrap();
        let limit = 2 * BLOCK as u64;
        assert_eq!(unpack(&packed, &unpacked, limit, &go()).unwrap(), None);
        assert!(unpacked.metadata().unwrap().len() <= limit);
    }

    #[test]
    fn other_files_are_not_gzip() {
        assert!(!is_gzip(&file(b"\x1f")).unwrap());
        assert!(!is_gzip(&file(b"QFI\xfb")).unwrap());
        let broken = file(b"\x1f\x8bnothing");
        unpack(&broken, &file(b""), 100, &go()).unwrap_err();
    }

    #[test]
    fn what_was_given_up_goes_no_further() {
        let stop = go();
        stop.cancel();
        let (packed, unpacked) = (file(b""), file(b""));
        pack(&file(&[7; BLOCK]), &packed, &stop).unwrap_err();
        pack(&file(&[7; BLOCK]), &packed, &go()).unwrap();
        unpack(&packed, &unpacked, 1 << 20, &stop).unwrap_err();
        assert_eq!(unpacked.metadata().unwrap().len(), 0);
    }
}
