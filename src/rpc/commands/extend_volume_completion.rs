//! `extend_volume_completion`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::object::Volume;
use crate::rpc::version::Version;

/// Ends an extend that another service finished.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtendVolumeCompletion {
    /// The volume.
    pub volume: Volume,
    /// Size reached, GiB.
    pub new_size: i64,
    /// Quota reservations to commit or roll back.
    pub reservations: Option<Vec<String>>,
    /// Whether the other service failed.
    pub error: bool,
}

impl Method for ExtendVolumeCompletion {
    const NAME: &'static str = "extend_volume_completion";
    const SINCE: Version = Version::new(3, 19);
    const SENT: Version = Version::new(3, 19);
    const KIND: Kind = Kind::Cast;
    const PARAMS: &'static [Param] = &[
        Param::required("volume"),
        Param::required("new_size"),
        Param::required("reservations"),
        Param::required("error"),
    ];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Volume(self.volume.id())]
    }
}
