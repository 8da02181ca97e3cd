//! Room on the disk that was promised to files and that they did not fill yet: it is no longer
//! free, or downloads that begin together would each find the same room.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Bytes promised, and the file that fills them once there is one.
type Claim = (u64, Weak<File>);

/// All that was promised.
#[derive(Debug, Clone, Default)]
pub(super) struct Rooms(Arc<Mutex<Claims>>);

#[derive(Debug, Default)]
struct Claims {
    last: u64,
    open: BTreeMap<u64, Claim>,
}

/// One promise; it ends on drop.
#[derive(Debug)]
pub(super) struct Room {
    rooms: Rooms,
    number: u64,
}

impl Rooms {
    /// Promises `size` bytes of the `free` ones, unless they are not free any more: then says how
    /// many are. Nothing always fits.
    pub(super) fn claim(&self, size: u64, free: u64) -> Result<Room, u64> {
        let mut claims = self.claims();
        let unfilled = |(size, file): &Claim| {
            let filled = file.upgrade().and_then(|file| file.metadata().ok());
            let filled = filled.map_or(0, |filled| filled.blocks().saturating_mul(512));
            size.saturating_sub(filled)
        };
        let free = free.saturating_sub(claims.open.values().map(unfilled).sum());
        // as Cinder: the last byte is not given away
        if size > 0 && free <= size {
            return Err(free);
        }
        claims.last += 1;
        let number = claims.last;
        claims.open.insert(number, (size, Weak::new()));
        drop(claims);
        Ok(Room {
            rooms: self.clone(),
            number,
        })
    }

    fn claims(&self) -> MutexGuard<'_, Claims> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    /// What the file fills is the disk's to count from now on.
    pub(super) fn is_filled_by(&self, file: &Arc<File>) {
        if let Some((_, filled_by)) = self.rooms.claims().open.get_mut(&self.number) {
            *filled_by = Arc::downgrade(file);
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.rooms.claims().open.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_was_promised_is_not_free() {
        let rooms = Rooms::default();
        let first = rooms.claim(60, 100).unwrap();
        assert_eq!(rooms.claim(40, 100).unwrap_err(), 40);
        let second = rooms.claim(39, 100).unwrap();
        drop(first);
        assert_eq!(rooms.claim(61, 100).unwrap_err(), 61);
        drop(second);
        rooms.claim(99, 100).unwrap();
    }

    #[test]
    fn what_was_filled_is_the_disk_s_to_count() {
        let rooms = Rooms::default();
        let room = rooms.claim(1 << 20, u64::MAX).unwrap();
        let file = Arc::new(tempfile::tempfile().unwrap());
        room.is_filled_by(&file);
        assert_eq!(rooms.claim(1, 1 << 20).unwrap_err(), 0);
        std::io::Write::write_all(&mut file.as_ref(), &vec![1; 1 << 20]).unwrap();
        file.sync_all().unwrap();
        rooms.claim(1, 1 << 20).unwrap();
    }

    #[test]
    fn nothing_fits_anywhere() {
        Rooms::default().claim(0, 0).unwrap();
    }
}
