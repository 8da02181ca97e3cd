//! The image inspector against files made byte by byte, files of the real qemu-img, and what the
//! inspectors of oslo.utils and Cinder say of the same files.
//!
//! The rule (see [`oracle::objection`]): what is taken here is taken there too, as the same
//! format and with no larger a disk. What is refused here may be taken there.
//!
//! Mutated files, all of one seed (`CVX_FUZZ_SEED`, printed on failure):
//! `CVX_FUZZ_ROUNDS=1000000 cargo test --test it image_inspect::fuzz` makes that many; without
//! it there are enough for a few seconds. Files that once went wrong belong into
//! `tests/data/image_inspect/corpus/`, from where mutation begins too; a failure leaves its file
//! in the folder for temporary files and names it.

mod cases;
mod corpus;
mod cut;
mod fuzz;
mod hostile;
mod made;
mod mutation;
mod oracle;
mod random;

use std::cell::Cell;
use std::io::{Cursor, Read, Result, Seek, SeekFrom};

use cinder_volume_xtremio::image::inspect::{InspectError, Inspected, inspect};

/// More is never read of a file, whatever it says of itself.
const MOST_READ: usize = 2_500_000;

/// Counts what is read of it.
struct Counted<'a> {
    file: Cursor<&'a [u8]>,
    read: &'a Cell<usize>,
}

impl Read for Counted<'_> {
    fn read(&mut self, to: &mut [u8]) -> Result<usize> {
        let count = self.file.read(to)?;
        self.read.set(self.read.get() + count);
        Ok(count)
    }
}

impl Seek for Counted<'_> {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        self.file.seek(to)
    }
}

/// What the inspector says of these bytes; it must keep to its bounds.
fn look(bytes: &[u8]) -> std::result::Result<Inspected, InspectError> {
    let read = Cell::new(0);
    let file = Cursor::new(bytes);
    let verdict = inspect(Counted { file, read: &read });
    assert!(read.get() <= MOST_READ, "{} bytes were read", read.get());
    if let Err(error) = &verdict {
        // It goes into logs: the file must not say how much.
        let length = error.to_string().len();
        assert!(length < 1000, "a reason of {length} characters");
    }
    verdict
}
