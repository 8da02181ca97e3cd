//! `terminate_connection_snapshot`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::opaque::Opaque;
use crate::rpc::version::Version;

/// Unmaps a snapshot from a host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TerminateConnectionSnapshot {
    /// Id of the snapshot.
    pub snapshot_id: String,
    /// The host to unmap from.
    pub connector: Option<Opaque>,
    /// Go on whatever the state.
    #[serde(default)]
    pub force: bool,
}

impl Method for TerminateConnectionSnapshot {
    const NAME: &'static str = "terminate_connection_snapshot";
    const SINCE: Version = Version::new(3, 13);
    const SENT: Version = Version::new(3, 13);
    const KIND: Kind = Kind::Call;
    const PARAMS: &'static [Param] = &[
        Param::required("snapshot_id"),
        Param::required("connector"),
        Param::optional("force"),
    ];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Snapshot(&self.snapshot_id)]
    }
}
