//! `update_migrated_volume`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::object::Volume;
use crate::rpc::version::Version;

/// Gives the new half of a migrated volume the name of the old one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateMigratedVolume {
    /// The volume.
    pub volume: Volume,
    /// The new half.
    pub new_volume: Volume,
    /// Status before the migration.
    pub volume_status: Option<String>,
}

impl Method for UpdateMigratedVolume {
    const NAME: &'static str = "update_migrated_volume";
    const SINCE: Version = Version::new(1, 19);
    const SENT: Version = Version::new(3, 0);
    const KIND: Kind = Kind::Call;
    const PARAMS: &'static [Param] = &[
        Param::required("volume"),
        Param::required("new_volume"),
        Param::required("volume_status"),
    ];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![
            Resource::Volume(self.volume.id()),
            Resource::Volume(self.new_volume.id()),
        ]
    }
}
