//! Bounded reads at given places of a file.

use std::io::{Read, Result, Seek, SeekFrom};

/// A file whose size is known.
#[derive(Debug)]
pub(super) struct Source<R> {
    file: R,
    size: u64,
}

impl<R: Read + Seek> Source<R> {
    pub(super) fn new(mut file: R) -> Result<Self> {
        let size = file.seek(SeekFrom::End(0))?;
        Ok(Self { file, size })
    }

    /// Size of the file, bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// What stands at `offset`, `length` bytes or as many as there are.
    pub(super) fn at(&mut self, offset: u64, length: usize) -> Result<Piece> {
        let mut bytes = Vec::new();
        if offset < self.size {
            self.file.seek(SeekFrom::Start(offset))?;
            let limit = u64::try_from(length).unwrap_or(u64::MAX);
            self.file.by_ref().take(limit).read_to_end(&mut bytes)?;
        }
        Ok(Piece(bytes))
    }

    /// The last `length` bytes.
    pub(super) fn end(&mut self, length: usize) -> Result<Piece> {
        let back = u64::try_from(length).unwrap_or(u64::MAX);
        self.at(self.size.saturating_sub(back), length)
    }
}

/// Some bytes of a file. Every access says what to do when they are too few.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece(pub(super) Vec<u8>);

impl Piece {
    pub(super) fn bytes(&self, at: usize, length: usize) -> Option<&[u8]> {
        self.0.get(at..at.checked_add(length)?)
    }

    /// Whether the file had as many bytes as were asked for.
    pub(super) fn is_whole(&self, length: usize) -> bool {
        self.0.len() == length
    }

    pub(super) fn starts_with(&self, signature: &[u8]) -> bool {
        self.0.starts_with(signature)
    }

    pub(super) fn u8(&self, at: usize) -> Option<u8> {
        self.0.get(at).copied()
    }

    pub(super) fn u16_le(&self, at: usize) -> Option<u16> {
        Some(u16::from_le_bytes(self.array(at)?))
    }

    pub(super) fn u16_be(&self, at: usize) -> Option<u16> {
        Some(u16::from_be_bytes(self.array(at)?))
    }

    pub(super) fn u32_le(&self, at: usize) -> Option<u32> {
        Some(u32::from_le_bytes(self.array(at)?))
    }

    pub(super) fn u32_be(&self, at: usize) -> Option<u32> {
        Some(u32::from_be_bytes(self.array(at)?))
    }

    pub(super) fn u64_le(&self, at: usize) -> Option<u64> {
        Some(u64::from_le_bytes(self.array(at)?))
    }

    pub(super) fn u64_be(&self, at: usize) -> Option<u64> {
        Some(u64::from_be_bytes(self.array(at)?))
    }

    fn array<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.bytes(at, N)?.try_into().ok()
    }
}
