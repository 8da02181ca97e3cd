//! `detach_volume`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::object::Volume;
use crate::rpc::version::Version;

/// Notes that a volume is detached (the old attach flow).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DetachVolume {
    /// Id of the volume.
    pub volume_id: String,
    /// Which attachment; needed if there are several.
    #[serde(default)]
    pub attachment_id: Option<String>,
    /// The volume, since 3.4.
    #[serde(default)]
    pub volume: Option<Volume>,
}

impl Method for DetachVolume {
    const NAME: &'static str = "detach_volume";
    const SINCE: Version = Version::new(1, 0);
    const SENT: Version = Version::new(3, 4);
    const KIND: Kind = Kind::Call;
    const PARAMS: &'static [Param] = &[
        Param::required("volume_id"),
        Param::optional("attachment_id"),
        Param::optional("volume"),
    ];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Volume(&self.volume_id)]
    }
}
