//! `extend_volume`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::object::Volume;
use crate::rpc::version::Version;

/// Makes a volume larger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtendVolume {
    /// The volume.
    pub volume: Volume,
    /// Size to reach, GiB.
    pub new_size: i64,
    /// Quota reservations to commit or roll back.
    pub reservations: Option<Vec<String>>,
}

impl Method for ExtendVolume {
    const NAME: &'static str = "extend_volume";
    const SINCE: Version = Version::new(1, 6);
    const SENT: Version = Version::new(3, 0);
    const KIND: Kind = Kind::Cast;
    const PARAMS: &'static [Param] = &[
        Param::required("volume"),
        Param::required("new_size"),
        Param::required("reservations"),
    ];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Volume(self.volume.id())]
    }
}
