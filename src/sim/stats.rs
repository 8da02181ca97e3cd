//! What clients cost: counters.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Counters since the start or the last reset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Requests received, refused ones included.
    pub requests: u64,
    /// The same by method and type: `POST volumes`.
    pub by_type: BTreeMap<String, u64>,
    /// Lists read without a filter, by type: what must not happen on a big array.
    pub unfiltered_lists: BTreeMap<String, u64>,
    /// TCP connections accepted.
    pub connections: u64,
    /// TLS handshakes completed.
    pub handshakes: u64,
    /// Query parameters that mean nothing and were ignored, by name.
    pub unknown_query: BTreeMap<String, u64>,
    /// Body keys for which a request was refused, by name.
    pub rejected_keys: BTreeMap<String, u64>,
    /// Requests with wrong or no credentials.
    pub auth_failures: u64,
    /// Faults that took effect.
    pub faults: u64,
}

/// Adds one to a counter of a map.
pub(crate) fn count(map: &mut BTreeMap<String, u64>, key: impl Into<String>) {
    *map.entry(key.into()).or_default() += 1;
}
