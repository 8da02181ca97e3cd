//! Check sums of an image's bytes.

use md5::Md5;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::Image;

/// The sum that Glance lists, and that of the bytes so far.
pub(super) struct Sum {
    name: String,
    listed: String,
    hasher: Hasher,
}

enum Hasher {
    Md5(Md5),
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

impl Sum {
    /// The best that Glance lists and this program knows; none for images that have none.
    pub(super) fn of(image: &Image) -> Option<Self> {
        let strong = image
            .os_hash_algo
            .as_deref()
            .zip(image.os_hash_value.as_deref());
        let strong = strong.and_then(|(algorithm, listed)| {
            let hasher = match algorithm {
                "sha256" => Hasher::Sha256(Sha256::new()),
                "sha384" => Hasher::Sha384(Sha384::new()),
                "sha512" => Hasher::Sha512(Sha512::new()),
                _ => return None,
            };
            Some((algorithm, listed, hasher))
        });
        let weak = || Some(("md5", image.checksum.as_deref()?, Hasher::Md5(Md5::new())));
        let (name, listed, hasher) = strong.or_else(weak)?;
        Some(Self {
            name: name.to_owned(),
            listed: listed.to_ascii_lowercase(),
            hasher,
        })
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        match &mut self.hasher {
            Hasher::Md5(hasher) => hasher.update(bytes),
            Hasher::Sha256(hasher) => hasher.update(bytes),
            Hasher::Sha384(hasher) => hasher.update(bytes),
            Hasher::Sha512(hasher) => hasher.update(bytes),
        }
    }

    /// What differs, in words.
    pub(super) fn fault(self) -> Option<String> {
        let found = match self.hasher {
            Hasher::Md5(hasher) => hex::encode(hasher.finalize()),
            Hasher::Sha256(hasher) => hex::encode(hasher.finalize()),
            Hasher::Sha384(hasher) => hex::encode(hasher.finalize()),
            Hasher::Sha512(hasher) => hex::encode(hasher.finalize()),
        };
        let (name, listed) = (self.name, self.listed);
        (found != listed).then(|| format!("its {name} is {found}, not {listed}"))
    }
}
