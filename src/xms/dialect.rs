//! Which dialect of the API an XMS speaks, and what that dialect can say.

use std::fmt;

/// A dialect of the REST API, chosen by the software versions of cluster and XMS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dialect {
    /// v1: XIOS 3.x, one cluster, whole objects only.
    V1,
    /// v2: XMS 4.0 and 4.1; clusters, consistency groups, `full`, `prop`, `filter`.
    V2,
    /// v2 as of XMS 4.2: filter terms can be ORed.
    V2Filters,
    /// v2 as XMS 6.x and later (X2) speak it: also QoS policies and management locks.
    V6,
}

impl Dialect {
    /// The dialect for a cluster of this version under an XMS of that version. An XMS older
    /// than 4.0 has no version of its own to ask for.
    pub(super) fn of(cluster: &Version, xms: Option<&Version>) -> Self {
        match xms {
            Some(xms) if cluster.major() >= 4 => {
                if xms.major() >= 6 {
                    Self::V6
                } else if xms.at_least(&[4, 2]) {
                    Self::V2Filters
                } else {
                    Self::V2
                }
            }
            _ => Self::V1,
        }
    }

    /// Root of all object types.
    pub(super) fn types_path(self) -> &'static str {
        match self {
            Self::V1 => "/api/json/types",
            Self::V2 | Self::V2Filters | Self::V6 => "/api/json/v2/types",
        }
    }

    /// Whether a call names its cluster.
    pub(super) fn has_clusters(self) -> bool {
        self != Self::V1
    }

    /// Whether a read can ask for single properties.
    pub(super) fn has_props(self) -> bool {
        self != Self::V1
    }

    /// Whether a snapshot is created under the name it shall bear.
    pub(super) fn names_snapshots(self) -> bool {
        self == Self::V1
    }

    /// Whether a list can be narrowed by `filter` and hold whole objects (`full`).
    pub fn has_filters(self) -> bool {
        self != Self::V1
    }

    /// Whether one filter can hold several terms of which one must be true.
    pub fn has_alternatives(self) -> bool {
        matches!(self, Self::V2Filters | Self::V6)
    }

    /// Whether the array has consistency groups.
    pub fn has_consistency_groups(self) -> bool {
        self != Self::V1
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1 => "v1 (3.x)",
            Self::V2 => "v2 (4.0)",
            Self::V2Filters => "v2 (4.2)",
            Self::V6 => "v2 (6.x)",
        })
    }
}

/// A software version such as `4.2.0-33`, `6.2.0-61_X2` or `4.0.10-34.hotfix1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    text: String,
    numbers: Vec<u64>,
}

impl Version {
    /// Reads the numbers before the first `-`; `None` when there is not a single one.
    pub fn parse(text: &str) -> Option<Self> {
        let release = text.trim().split('-').next()?;
        let mut numbers = Vec::new();
        for part in release.split('.') {
            let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
            let Ok(number) = digits.parse() else { break };
            numbers.push(number);
            if digits.len() != part.len() {
                break;
            }
        }
        (!numbers.is_empty()).then(|| Self {
            text: text.trim().to_owned(),
            numbers,
        })
    }

    /// Whether this version is not older than the one given; missing numbers count as 0.
    pub fn at_least(&self, other: &[u64]) -> bool {
        let part = |numbers: &[u64], i: usize| numbers.get(i).copied().unwrap_or(0);
        (0..self.numbers.len().max(other.len()))
            .map(|i| part(&self.numbers, i).cmp(&part(other, i)))
            .find(|order| order.is_ne())
            .is_none_or(|order| order.is_gt())
    }

    fn major(&self) -> u64 {
        self.numbers.first().copied().unwrap_or(0)
    }
}

/// As the array wrote it.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).expect(text)
    }

    #[test]
    fn versions_are_read_as_arrays_write_them() {
        for (text, numbers) in [
            ("3.0.0-44", vec![3, 0, 0]),
            ("4.0.10-34.hotfix1", vec![4, 0, 10]),
            ("4.2.0-devel_x", vec![4, 2, 0]),
            ("6.2.0-61_X2", vec![6, 2, 0]),
            (" 6.3 ", vec![6, 3]),
            ("4.2beta.1", vec![4, 2]),
        ] {
            assert_eq!(version(text).numbers, numbers, "{text}");
        }
        for text in ["", "-", "devel", "-4.0", ".4"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_version_is_too_odd(text: String) {
            if let Some(version) = Version::parse(&text) {
                proptest::prop_assert!(version.at_least(&[0]) && !version.numbers.is_empty());
            }
        }
    }

    #[test]
    fn versions_compare_number_by_number() {
        assert!(version("3.0").at_least(&[3, 0, 0]));
        assert!(version("4.10.0").at_least(&[4, 2]));
        assert!(!version("2.4.1").at_least(&[3, 0, 0]));
        assert!(!version("4.1.9").at_least(&[4, 2]));
    }

    #[test]
    fn the_dialect_follows_the_xms_once_the_cluster_is_new_enough() {
        for (cluster, xms, dialect) in [
            ("3.0.3-11", None, Dialect::V1),
            ("3.0.3-11", Some("4.2.0-33"), Dialect::V1),
            ("4.0.2-80", Some("4.0.2-80"), Dialect::V2),
            ("4.0.15-24", Some("4.2.1-11"), Dialect::V2Filters),
            ("4.0.27-1", Some("6.2.0-61"), Dialect::V6),
            ("6.3.2-8", Some("6.3.2-8"), Dialect::V6),
        ] {
            let xms = xms.map(version);
            assert_eq!(
                Dialect::of(&version(cluster), xms.as_ref()),
                dialect,
                "{cluster}"
            );
        }
    }
}
