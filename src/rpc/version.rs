//! Version numbers of RPC interfaces, envelopes and objects, and when they fit.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::failure::Failure;

/// A two-part version such as `3.20`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Version {
    /// Breaking changes.
    pub major: u32,
    /// Additions.
    pub minor: u32,
}

impl Version {
    /// `major.minor`.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// Reads `major.minor`; a third part is cut off, anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let major = parts.next()?.parse().ok()?;
        let minor = parts.next()?.parse().ok()?;
        let third = parts.next().map(str::parse::<u32>);
        if parts.next().is_some() || matches!(third, Some(Err(_))) {
            return None;
        }
        Some(Self { major, minor })
    }

    /// Whether an endpoint of this version serves the version a message asks for.
    ///
    /// # Errors
    ///
    /// The failure a Python endpoint ends in when the version is not a string of numbers:
    /// `AttributeError`, `IndexError` or `ValueError`.
    pub fn serves(self, requested: &Value) -> Result<bool, Failure> {
        let text = match requested {
            Value::Null => return Ok(false),
            Value::String(text) => text,
            other => {
                let kind = super::json::python_type(other);
                return Err(Failure::builtin(
                    "AttributeError",
                    format!("'{kind}' object has no attribute 'split'"),
                ));
            }
        };
        let parts: Vec<&str> = text.split('.').collect();
        if python_int(parts[0])? != i64::from(self.major) {
            return Ok(false);
        }
        let minor = parts
            .get(1)
            .ok_or_else(|| Failure::builtin("IndexError", "list index out of range"))?;
        let minor = python_int(minor)?;
        if minor > i64::from(self.minor) {
            return Ok(false);
        }
        // Our own versions have no third part, which counts as zero.
        let third = parts.get(2).map_or(Ok(0), |part| python_int(part))?;
        Ok(minor < i64::from(self.minor) || third <= 0)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// `int(text)` of Python, for the numbers that occur in versions.
fn python_int(text: &str) -> Result<i64, Failure> {
    text.trim().parse().map_err(|_| {
        Failure::builtin(
            "ValueError",
            format!(
                "invalid literal for int() with base 10: {}",
                super::json::python_repr(text)
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn same_major_and_no_newer_minor_fits() {
        let endpoint = Version::new(3, 18);
        for (asked, fits) in [
            (json!("3.0"), true),
            (json!("3.18"), true),
            (json!("3.0.1"), true),
            (json!("3.18.1"), false),
            (json!("3.19"), false),
            (json!("2.0"), false),
            (json!("4"), false),
            (json!(null), false),
        ] {
            assert_eq!(endpoint.serves(&asked).unwrap(), fits, "{asked}");
        }
    }

    #[test]
    fn nonsense_fails_as_python_does() {
        let endpoint = Version::new(3, 18);
        for (asked, class) in [
            (json!(3), "AttributeError"),
            (json!("3"), "IndexError"),
            (json!("a.b"), "ValueError"),
            (json!(""), "ValueError"),
        ] {
            assert_eq!(endpoint.serves(&asked).unwrap_err().class, class);
        }
    }

    #[test]
    fn versions_parse_with_or_without_a_third_part() {
        assert_eq!(Version::parse("1.9"), Some(Version::new(1, 9)));
        assert_eq!(Version::parse("1.9.3"), Some(Version::new(1, 9)));
        for odd in ["1", "", "x", "1.x", "1.2.x", "1.2.3.4"] {
            assert_eq!(Version::parse(odd), None, "{odd}");
        }
        assert!(Version::new(1, 10) > Version::new(1, 9));
    }
}
