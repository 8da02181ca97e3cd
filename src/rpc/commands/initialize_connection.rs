//! `initialize_connection`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::object::Volume;
use crate::rpc::opaque::Opaque;
use crate::rpc::version::Version;

/// Maps a volume to a host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InitializeConnection {
    /// The volume.
    pub volume: Volume,
    /// Initiators and addresses of the attaching host.
    pub connector: Opaque,
}

impl Method for InitializeConnection {
    const NAME: &'static str = "initialize_connection";
    const SINCE: Version = Version::new(1, 0);
    const SENT: Version = Version::new(3, 0);
    const KIND: Kind = Kind::Call;
    const PARAMS: &'static [Param] = &[Param::required("volume"), Param::required("connector")];
    /// `driver_volume_type` and `data`; holds CHAP secrets.
    type Reply = Opaque;

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Volume(self.volume.id())]
    }
}
