//! `delete_volume`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::object::Volume;
use crate::rpc::version::Version;

/// Deletes a volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteVolume {
    /// The volume.
    pub volume: Volume,
    /// Give the volume up, but leave it on the array.
    #[serde(default)]
    pub unmanage_only: bool,
    /// Delete its snapshots first.
    #[serde(default)]
    pub cascade: bool,
}

impl Method for DeleteVolume {
    const NAME: &'static str = "delete_volume";
    const SINCE: Version = Version::new(1, 0);
    const SENT: Version = Version::new(3, 0);
    const KIND: Kind = Kind::Cast;
    const PARAMS: &'static [Param] = &[
        Param::required("volume"),
        Param::optional("unmanage_only"),
        Param::optional("cascade"),
    ];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Volume(self.volume.id())]
    }
}
