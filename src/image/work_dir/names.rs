//! Names of work files: they tell whose they are, so that a backend that starts again removes
//! what its last life left, and nothing of anybody else.
//!
//! Cinder's own scheme: `image_fetch_IMAGE_RANDOMhost@section`, removed at start by that ending.
//! So the Python service finds ours, and we find its.

use rand::Rng as _;

/// What a work file is for; the first part of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// An image from Glance.
    Fetch,
    /// A volume, on its way to Glance.
    Upload,
    /// The first bytes of a volume, to look at.
    Look,
    /// A secret that the converter reads.
    Secret,
}

impl Purpose {
    const ALL: [Self; 4] = [Self::Fetch, Self::Upload, Self::Look, Self::Secret];

    fn prefix(self) -> &'static str {
        match self {
            Self::Fetch => "image_fetch_",
            Self::Upload => "vol_upload_",
            Self::Look => "vol_look_",
            Self::Secret => "secret_",
        }
    }
}

/// Characters that `tempfile` of Python puts into names.
const RANDOM: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789_";
const RANDOM_LENGTH: usize = 8;
/// Ids are UUIDs; what a hostile message holds instead is cut.
const ID_LENGTH: usize = 36;

/// What stands at the end of the names of this owner.
pub(super) fn ending(owner: &str) -> String {
    owner.replace(['/', '\0'], "_")
}

/// A new name each time.
pub(super) fn new(purpose: Purpose, id: &str, owner: &str) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
    let id: String = id.chars().filter(plain).take(ID_LENGTH).collect();
    let mut rng = rand::rng();
    let random: String = (0..RANDOM_LENGTH)
        .map(|_| char::from(RANDOM[rng.random_range(0..RANDOM.len())]))
        .collect();
    format!("{}{id}_{random}{}", purpose.prefix(), ending(owner))
}

/// Whether the name was made for this owner. Stricter than the ending alone, which is also that
/// of `otherctl1@xio` for `ctl1@xio`.
pub(super) fn is_of(name: &str, owner: &str) -> bool {
    let Some(rest) = name.strip_suffix(&ending(owner)) else {
        return false;
    };
    let prefix = |purpose: &Purpose| rest.strip_prefix(purpose.prefix());
    let Some(rest) = Purpose::ALL.iter().find_map(prefix) else {
        return false;
    };
    let Some((id, random)) = rest
        .len()
        .checked_sub(RANDOM_LENGTH + 1)
        .and_then(|at| rest.split_at_checked(at))
    else {
        return false;
    };
    id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && random.starts_with('_')
        && random.bytes().all(|b| RANDOM.contains(&b))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const ID: &str = "5f3ad5b4-8ea1-4b38-9f41-51f3a2d0a111";

    #[test]
    fn own_names_are_known_and_others_are_not() {
        for purpose in Purpose::ALL {
            let name = new(purpose, ID, "ctl1@xio");
            assert!(is_of(&name, "ctl1@xio"), "{name}");
            for other in ["tl1@xio", "octl1@xio", "ctl1@xi", "ctl1@xio2", "ctl2@xio"] {
                assert!(!is_of(&name, other), "{name} of {other}");
            }
        }
    }

    #[test]
    fn a_name_of_python_is_known() {
        assert!(is_of(
            &format!("image_fetch_{ID}_a_0zq9_xctl1@xio"),
            "ctl1@xio"
        ));
        assert!(!is_of(
            &format!("image_fetch_{ID}__bcdefghoctl1@xio"),
            "ctl1@xio"
        ));
        for foreign in ["volume-1ctl1@xio", "image_fetch_ctl1@xio", "ctl1@xio", ""] {
            assert!(!is_of(foreign, "ctl1@xio"), "{foreign}");
        }
    }

    #[test]
    fn a_hostile_id_leads_nowhere() {
        let name = new(Purpose::Fetch, "../../etc/passwd\0é", "a/b@xio");
        assert!(!name.contains(['/', '\0']), "{name}");
        assert!(is_of(&name, "a/b@xio"), "{name}");
        assert!(new(Purpose::Fetch, &"x".repeat(4096), "c@x").len() < 80);
    }
}
