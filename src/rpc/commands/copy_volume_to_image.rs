//! `copy_volume_to_image`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::opaque::Opaque;
use crate::rpc::version::Version;

/// Uploads a volume as an image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CopyVolumeToImage {
    /// Id of the volume.
    pub volume_id: String,
    /// The image as Glance made it.
    pub image_meta: Opaque,
}

impl Method for CopyVolumeToImage {
    const NAME: &'static str = "copy_volume_to_image";
    const SINCE: Version = Version::new(1, 0);
    const SENT: Version = Version::new(3, 0);
    const KIND: Kind = Kind::Cast;
    const PARAMS: &'static [Param] = &[Param::required("volume_id"), Param::required("image_meta")];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Volume(&self.volume_id)]
    }
}
