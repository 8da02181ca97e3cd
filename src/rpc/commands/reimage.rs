//! `reimage`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::object::{Snapshot, Volume};
use crate::rpc::opaque::Opaque;
use crate::rpc::version::Version;

/// Writes an image, or a snapshot of an image volume, over a volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reimage {
    /// The volume.
    pub volume: Volume,
    /// The image.
    pub image_meta: Opaque,
    /// Snapshot to copy instead, since 3.20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_snap: Option<Snapshot>,
}

impl Method for Reimage {
    const NAME: &'static str = "reimage";
    const SINCE: Version = Version::new(3, 18);
    const SENT: Version = Version::new(3, 20);
    const KIND: Kind = Kind::Cast;
    const PARAMS: &'static [Param] = &[
        Param::required("volume"),
        Param::required("image_meta"),
        Param::since("image_snap", Version::new(3, 20)),
    ];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Volume(self.volume.id())]
    }
}
