//! Values as the XMS writes them: sizes are decimal strings in KB, integers may be strings.
//!
//! Reading is liberal in form and strict in content: what is no number is an error, never 0.

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::Value;

/// The wrapper around a single object.
#[derive(Debug, Deserialize)]
pub(super) struct Content<T> {
    pub(super) content: T,
}

/// A size in KB (1024 bytes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kilobytes(pub u64);

impl Kilobytes {
    /// KB in one GiB.
    pub const PER_GIB: u64 = 1 << 20;

    /// That many GiB, as the array counts them.
    pub fn from_gib(gib: u64) -> Self {
        Self(gib.saturating_mul(Self::PER_GIB))
    }

    /// GiB, with the fraction.
    pub fn as_gib(self) -> f64 {
        self.0 as f64 / Self::PER_GIB as f64
    }
}

impl<'de> Deserialize<'de> for Kilobytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        whole_number(&Value::deserialize(deserializer)?)
            .map(Self)
            .ok_or_else(|| D::Error::custom("not a size in KB"))
    }
}

/// A count, an index or a LUN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count(pub u64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        whole_number(&Value::deserialize(deserializer)?)
            .map(Self)
            .ok_or_else(|| D::Error::custom("not a whole number"))
    }
}

/// An object reference: `[guid, name, index]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oid {
    /// `name`
    pub name: String,
    /// `index`
    pub index: u64,
}

impl<'de> Deserialize<'de> for Oid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        oid(&Value::deserialize(deserializer)?)
            .ok_or_else(|| D::Error::custom("not an object reference [guid, name, index]"))
    }
}

/// An object reference that may be missing: absent, `null`, `[]` or `""`.
pub(super) fn optional_oid<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Oid>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::Array(items) if items.is_empty() => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        other => oid(&other)
            .map(Some)
            .ok_or_else(|| D::Error::custom("not an object reference [guid, name, index]")),
    }
}

/// A list that may be absent or `null`.
pub(super) fn optional_list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::<Vec<T>>::deserialize(deserializer)?.unwrap_or_default())
}

/// A text that may be absent, `null` or empty: all three mean none. What is no text is not shown,
/// for it may be a secret.
pub(super) fn optional_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::String(text) => Ok((!text.is_empty()).then_some(text)),
        _ => Err(D::Error::custom("not a text")),
    }
}

fn oid(value: &Value) -> Option<Oid> {
    let [_guid, Value::String(name), index] = value.as_array()?.as_slice() else {
        return None;
    };
    Some(Oid {
        name: name.clone(),
        index: whole_number(index)?,
    })
}

/// A number or its text; a fraction of zero (`12.0`) is no fraction.
fn whole_number(value: &Value) -> Option<u64> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let digits = match text.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() && fraction.bytes().all(|b| b == b'0') => {
            whole
        }
        Some(_) => return None,
        None => &text,
    };
    // `parse` alone would take a leading `+`.
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
        .then(|| digits.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn numbers_are_read_in_any_form_and_nonsense_in_none() {
        for text in [r#""1048576""#, "1048576", "1048576.0", r#"" 1048576 ""#] {
            let kb: Kilobytes = serde_json::from_str(text).expect(text);
            assert_eq!(kb, Kilobytes::from_gib(1), "{text}");
        }
        for text in [
            r#""""#,
            "null",
            r#""n/a""#,
            "-1",
            r#""+1""#,
            "1.5",
            "[]",
            "true",
            r#""0x10""#,
            "1e3",
            r#""99999999999999999999999""#,
            r#"".0""#,
        ] {
            assert!(serde_json::from_str::<Kilobytes>(text).is_err(), "{text}");
            assert!(serde_json::from_str::<Count>(text).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_number_survives_both_forms(n: u64) {
            for text in [n.to_string(), format!("\"{n}\"")] {
                proptest::prop_assert_eq!(serde_json::from_str::<Count>(&text).unwrap(), Count(n));
            }
        }

        #[test]
        fn a_text_without_digits_is_no_number(text in "[^0-9]*") {
            let json = serde_json::to_string(&text).unwrap();
            proptest::prop_assert!(serde_json::from_str::<Count>(&json).is_err());
        }
    }

    #[test]
    fn gib_keep_their_fraction() {
        assert!((Kilobytes(1_572_864).as_gib() - 1.5).abs() < f64::EPSILON);
        assert_eq!(Kilobytes::from_gib(3).0, 3_145_728);
    }

    #[test]
    fn references_are_triplets() {
        let oid: Oid = serde_json::from_str(r#"["00ff", "v", "3"]"#).unwrap();
        assert_eq!((oid.name.as_str(), oid.index), ("v", 3));
        let oid: Oid = serde_json::from_str(r#"[null, "v", 3]"#).unwrap();
        assert_eq!(oid.index, 3);
        for text in [
            r#"["g", "v"]"#,
            r#"["g", 1, 2]"#,
            r#"["g","v","x"]"#,
            r#""v""#,
        ] {
            assert!(serde_json::from_str::<Oid>(text).is_err(), "{text}");
        }
    }
}
