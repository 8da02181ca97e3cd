//! `initialize_connection_snapshot`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::opaque::Opaque;
use crate::rpc::version::Version;

/// Maps a snapshot to a host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InitializeConnectionSnapshot {
    /// Id of the snapshot.
    pub snapshot_id: String,
    /// Initiators and addresses of the attaching host.
    pub connector: Opaque,
}

impl Method for InitializeConnectionSnapshot {
    const NAME: &'static str = "initialize_connection_snapshot";
    const SINCE: Version = Version::new(3, 13);
    const SENT: Version = Version::new(3, 13);
    const KIND: Kind = Kind::Call;
    const PARAMS: &'static [Param] =
        &[Param::required("snapshot_id"), Param::required("connector")];
    /// `driver_volume_type` and `data`; holds CHAP secrets.
    type Reply = Opaque;

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Snapshot(&self.snapshot_id)]
    }
}
