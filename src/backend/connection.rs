//! Hosts that attach, and how they reach what was mapped to them.

use std::fmt;

use serde_json::{Map, Value};

/// What a host says of itself when it attaches: the part of Cinder's connector that an array
/// needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connector {
    /// `host`: name of the attaching host.
    pub host: Option<String>,
    /// `initiator`: its IQN.
    pub initiator: Option<String>,
    /// `wwpns`: its FC port names, as they came (with or without colons, in any case).
    pub wwpns: Vec<String>,
    /// `wwnns`: its FC node names.
    pub wwnns: Vec<String>,
}

/// How an attached volume is reached: what the driver's `initialize_connection` returns.
#[derive(Clone, PartialEq, Eq)]
pub struct Connection {
    /// `driver_volume_type`: `iscsi` or `fibre_channel`.
    pub driver_volume_type: &'static str,
    /// `data`; may hold CHAP secrets.
    pub data: Map<String, Value>,
}

/// Keys only: the values may be secrets.
impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("driver_volume_type", &self.driver_volume_type)
            .field("data", &self.data.keys().collect::<Vec<_>>())
            .finish()
    }
}
