//! LUN numbers on the wire.

/// From here up a number does not fit the peripheral form.
const FLAT: u64 = 256;
/// Flat space addressing.
const FLAT_BIT: u16 = 0x4000;

/// The forms that the number of a LUN may have on the wire, the likelier first: up to 255 it is
/// the number, from there flat space addressing. Some targets take the plain number as well; it
/// is tried last, because on others it is another LUN.
pub(super) fn encodings(lun: u64) -> Vec<u16> {
    let Ok(number) = u16::try_from(lun) else {
        return Vec::new();
    };
    if lun < FLAT {
        return vec![number];
    }
    if number & FLAT_BIT != 0 || number >= 0x8000 {
        return vec![number];
    }
    vec![number | FLAT_BIT, number]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_256_up_numbers_are_flat() {
        assert_eq!(encodings(0), [0]);
        assert_eq!(encodings(255), [255]);
        assert_eq!(encodings(256), [16640, 256]);
        assert_eq!(encodings(16383), [32767, 16383]);
        assert!(encodings(1 << 20).is_empty());
    }
}
