//! `terminate_connection`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::opaque::Opaque;
use crate::rpc::version::Version;

/// Unmaps a volume from a host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TerminateConnection {
    /// Id of the volume.
    pub volume_id: String,
    /// The host to unmap from; null for all.
    pub connector: Option<Opaque>,
    /// Go on whatever the state.
    #[serde(default)]
    pub force: bool,
}

impl Method for TerminateConnection {
    const NAME: &'static str = "terminate_connection";
    const SINCE: Version = Version::new(1, 0);
    const SENT: Version = Version::new(3, 0);
    const KIND: Kind = Kind::Call;
    const PARAMS: &'static [Param] = &[
        Param::required("volume_id"),
        Param::required("connector"),
        Param::optional("force"),
    ];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Volume(&self.volume_id)]
    }
}
