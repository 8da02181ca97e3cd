//! Reading request bodies: strict about keys, tolerant about the forms of references.

use serde_json::{Map, Value};

use super::refusal::Refusal;

/// How a body or URL names an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ref {
    Name(String),
    Index(u64),
    Guid(String),
}

impl Ref {
    /// A JSON string is a name, an integer an index, an array the whole OID.
    pub(crate) fn parse(key: &str, value: &Value) -> Result<Self, Refusal> {
        match value {
            Value::String(name) if !name.is_empty() => Ok(Self::Name(name.clone())),
            Value::Number(_) => value
                .as_u64()
                .map(Self::Index)
                .ok_or_else(|| Refusal::invalid_value(key)),
            Value::Array(oid) => match oid.as_slice() {
                [_, _, index @ Value::Number(_)] => Self::parse(key, index),
                [_, name @ Value::String(_), _] => Self::parse(key, name),
                _ => Err(Refusal::invalid_value(key)),
            },
            _ => Err(Refusal::invalid_value(key)),
        }
    }
}

/// A request body whose keys have been compared with those the command knows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Body<'a>(&'a Map<String, Value>);

impl<'a> Body<'a> {
    /// Refuses the body if it has a key that is not in `known`.
    pub(crate) fn check(map: &'a Map<String, Value>, known: &[&[&str]]) -> Result<Self, Refusal> {
        for key in map.keys() {
            if !known.iter().any(|keys| keys.contains(&key.as_str())) {
                return Err(Refusal::invalid_property(key));
            }
        }
        Ok(Self(map))
    }

    pub(crate) fn get(self, key: &str) -> Option<&'a Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    pub(crate) fn has(self, key: &str) -> bool {
        self.get(key).is_some()
    }

    pub(crate) fn text(self, key: &str) -> Result<Option<&'a str>, Refusal> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
            Some(_) => Err(Refusal::invalid_value(key)),
        }
    }

    pub(crate) fn required_text(self, key: &str) -> Result<&'a str, Refusal> {
        self.text(key)?
            .ok_or_else(|| Refusal::missing_property(key))
    }

    /// One of a few words.
    pub(crate) fn word(self, key: &str, allowed: &[&str]) -> Result<Option<&'a str>, Refusal> {
        match self.text(key)? {
            Some(word) if !allowed.contains(&word) => Err(Refusal::invalid_value(key)),
            other => Ok(other),
        }
    }

    /// An integer, or a string of digits (some clients quote their numbers).
    pub(crate) fn number(self, key: &str) -> Result<Option<u64>, Refusal> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        match value {
            Value::String(text) => text.parse().ok(),
            other => other.as_u64(),
        }
        .map(Some)
        .ok_or_else(|| Refusal::invalid_value(key))
    }

    pub(crate) fn reference(self, key: &str) -> Result<Option<Ref>, Refusal> {
        self.get(key)
            .map(|value| Ref::parse(key, value))
            .transpose()
    }

    pub(crate) fn required_reference(self, key: &str) -> Result<Ref, Refusal> {
        self.reference(key)?
            .ok_or_else(|| Refusal::missing_property(key))
    }

    /// A list of references; absent is empty.
    pub(crate) fn references(self, key: &str) -> Result<Vec<Ref>, Refusal> {
        match self.get(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items.iter().map(|item| Ref::parse(key, item)).collect(),
            Some(_) => Err(Refusal::invalid_value(key)),
        }
    }
}

/// Largest volume: 2 PiB.
const MAX_KB: u64 = 2_147_483_648 * 1024;

/// A volume size in KB: `"10g"`, `"512M"`, or an integer in KB; whole megabytes only.
pub(crate) fn size_kb(value: &Value) -> Result<u64, Refusal> {
    let refuse = || Refusal::new("invalid_vol_size");
    let kb = match value {
        Value::String(text) => {
            let (digits, factor) = match text.char_indices().next_back() {
                Some((at, unit)) if !unit.is_ascii_digit() => {
                    let factor = match unit.to_ascii_lowercase() {
                        'k' => 1,
                        'm' => 1 << 10,
                        'g' => 1 << 20,
                        't' => 1 << 30,
                        _ => return Err(refuse()),
                    };
                    (&text[..at], factor)
                }
                _ => (text.as_str(), 1),
            };
            let number: u64 = digits.parse().map_err(|_| refuse())?;
            number.checked_mul(factor).ok_or_else(refuse)?
        }
        other => other.as_u64().ok_or_else(refuse)?,
    };
    if kb == 0 || kb % 1024 != 0 || kb > MAX_KB {
        return Err(refuse());
    }
    Ok(kb)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn sizes_come_in_several_forms() {
        for (form, kb) in [
            (json!("1g"), 1_048_576),
            (json!("1G"), 1_048_576),
            (json!("10240M"), 10_485_760),
            (json!("1024k"), 1024),
            (json!("1t"), 1 << 30),
            (json!(2048), 2048),
        ] {
            assert_eq!(size_kb(&form).unwrap(), kb, "{form}");
        }
        for form in [
            json!("0g"),
            json!("1000k"),
            json!("1.5g"),
            json!("g"),
            json!("-1g"),
            json!("3000000t"),
            json!(true),
            json!(""),
        ] {
            assert_eq!(
                size_kb(&form).unwrap_err().message,
                "invalid_vol_size",
                "{form}"
            );
        }
    }

    #[test]
    fn references_come_in_three_forms() {
        assert_eq!(
            Ref::parse("vol-id", &json!("7")).unwrap(),
            Ref::Name("7".into())
        );
        assert_eq!(Ref::parse("vol-id", &json!(7)).unwrap(), Ref::Index(7));
        assert_eq!(
            Ref::parse("vol-id", &json!(["ab", "x", 7])).unwrap(),
            Ref::Index(7)
        );
        assert!(Ref::parse("vol-id", &json!({})).is_err());
        assert!(Ref::parse("vol-id", &json!("")).is_err());
    }

    #[test]
    fn unknown_keys_are_refused_by_name() {
        let map = json!({"vol-name": "a", "colour": 1});
        let refusal = Body::check(map.as_object().unwrap(), &[&["vol-name"]]).unwrap_err();
        assert_eq!(
            refusal.message,
            "Command Syntax Error: Invalid property colour"
        );
        assert_eq!(refusal.rejected_key.as_deref(), Some("colour"));
    }
}
