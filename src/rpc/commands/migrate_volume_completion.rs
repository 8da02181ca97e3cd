//! `migrate_volume_completion`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::object::Volume;
use crate::rpc::version::Version;

/// Ends a migration that another service finished.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MigrateVolumeCompletion {
    /// The volume.
    pub volume: Volume,
    /// The new half.
    pub new_volume: Volume,
    /// Whether the copy failed.
    #[serde(default)]
    pub error: bool,
}

impl Method for MigrateVolumeCompletion {
    const NAME: &'static str = "migrate_volume_completion";
    const SINCE: Version = Version::new(1, 10);
    const SENT: Version = Version::new(3, 0);
    const KIND: Kind = Kind::Call;
    const PARAMS: &'static [Param] = &[
        Param::required("volume"),
        Param::required("new_volume"),
        Param::optional("error"),
    ];
    /// Id of the volume that stays.
    type Reply = String;

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![
            Resource::Volume(self.volume.id()),
            Resource::Volume(self.new_volume.id()),
        ]
    }
}
