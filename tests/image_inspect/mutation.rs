//! Files that are nearly right.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::{cases, corpus};

/// Numbers at which programs stumble.
const NUMBERS: [u64; 12] = [
    0,
    1,
    2,
    3,
    4,
    16,
    0xff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    i64::MAX as u64,
    u64::MAX,
];
/// Places where formats keep what matters.
const PLACES: [usize; 16] = [
    0, 4, 8, 12, 28, 36, 40, 48, 56, 60, 0x40, 72, 446, 510, 32_768, 32_769,
];
/// Words of formats.
const WORDS: [&[u8]; 24] = [
    b"QFI\xfb",
    b"QED\0",
    b"KDMV",
    b"COWD",
    b"conectix",
    b"vhdxfile",
    b"LUKS\xba\xbe",
    b"CD001",
    b"NSR03",
    b"\x7f\x10\xda\xbe",
    b"\x55\xaa",
    b"regi",
    b"metadata",
    b"version=1\n",
    b"createType=\"monolithicFlat\"\n",
    b"createType=\"streamOptimized\"\n",
    b"parentFileNameHint=\"x\"\n",
    b"parentCID=1\n",
    b"RW 1 FLAT \"x\" 0\n",
    b"RW 1 SPARSE \"x\"\n",
    b"#",
    b"\n",
    b"\0",
    b"ddb.",
];

/// Makes files out of those of the tables and the corpus.
pub(super) struct Mutator {
    random: StdRng,
    seeds: Vec<Vec<u8>>,
}

impl Mutator {
    pub(super) fn new(seed: u64) -> Self {
        let made = cases::all().into_iter().map(|(_, file, _)| file.0);
        let kept = corpus::files().into_iter().map(|(_, bytes)| bytes);
        Self {
            random: StdRng::seed_from_u64(seed),
            seeds: made.chain(kept).collect(),
        }
    }

    /// A file of one to eight changes.
    pub(super) fn file(&mut self) -> Vec<u8> {
        let mut bytes = self.seed().clone();
        for _ in 0..self.random.random_range(1..=8) {
            self.change(&mut bytes);
        }
        bytes
    }

    fn seed(&mut self) -> &Vec<u8> {
        let number = self.random.random_range(0..self.seeds.len());
        &self.seeds[number]
    }

    /// Mostly in the header or a descriptor, or near the end.
    fn place(&mut self, length: usize) -> usize {
        match self.random.random_range(0..8) {
            0..=2 => PLACES[self.random.random_range(0..PLACES.len())],
            3 => self.random.random_range(0..128),
            4 => self.random.random_range(0..1024),
            5 => 512 + self.random.random_range(0..400),
            6 => length.saturating_sub(self.random.random_range(1..1600)),
            _ => self.random.random_range(0..length.max(1)),
        }
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let at = self.place(bytes.len());
        match self.random.random_range(0..9) {
            0 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << self.random.random_range(0..8);
                }
            }
            1 => put(bytes, at, &[self.random.random()]),
            2 | 3 => {
                let number = NUMBERS[self.random.random_range(0..NUMBERS.len())];
                let width = [1, 2, 4, 8][self.random.random_range(0..4)];
                if self.random.random() {
                    put(bytes, at, &number.to_le_bytes()[..width]);
                } else {
                    put(bytes, at, &number.to_be_bytes()[8 - width..]);
                }
            }
            4 => put(bytes, at, WORDS[self.random.random_range(0..WORDS.len())]),
            5 => {
                let word = WORDS[self.random.random_range(0..WORDS.len())];
                let at = at.min(bytes.len());
                bytes.splice(at..at, word.iter().copied());
            }
            6 => {
                let end = (at + self.random.random_range(1..32)).min(bytes.len());
                bytes.drain(at.min(end)..end);
            }
            7 => {
                let length = self.random.random_range(1..1024);
                let other = self.seed();
                let from = at.min(other.len());
                let part = other[from..(from + length).min(other.len())].to_vec();
                put(bytes, at, &part);
            }
            _ => {
                let length = self.place(bytes.len());
                bytes.resize(length.min(bytes.len() + 4096), 0);
            }
        }
    }
}

/// Over what is there, or behind it.
fn put(bytes: &mut Vec<u8>, at: usize, part: &[u8]) {
    let at = at.min(bytes.len());
    let end = (at + part.len()).max(bytes.len());
    bytes.resize(end, 0);
    bytes[at..at + part.len()].copy_from_slice(part);
}
