//! `attach_volume`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::object::{Volume, VolumeAttachment};
use crate::rpc::version::Version;

/// Notes in the database that a volume is attached (the old attach flow).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AttachVolume {
    /// Id of the volume.
    pub volume_id: String,
    /// Instance it is attached to.
    pub instance_uuid: Option<String>,
    /// Host it is attached to.
    pub host_name: Option<String>,
    /// Device name in the instance.
    pub mountpoint: Option<String>,
    /// `rw` or `ro`.
    pub mode: Option<String>,
    /// The volume, since 3.3.
    #[serde(default)]
    pub volume: Option<Volume>,
}

impl Method for AttachVolume {
    const NAME: &'static str = "attach_volume";
    const SINCE: Version = Version::new(1, 0);
    const SENT: Version = Version::new(3, 3);
    const KIND: Kind = Kind::Call;
    const PARAMS: &'static [Param] = &[
        Param::required("volume_id"),
        Param::required("instance_uuid"),
        Param::required("host_name"),
        Param::required("mountpoint"),
        Param::required("mode"),
        Param::optional("volume"),
    ];
    /// The attachment.
    type Reply = VolumeAttachment;

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Volume(&self.volume_id)]
    }
}
