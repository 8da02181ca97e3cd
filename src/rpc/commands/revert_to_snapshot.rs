//! `revert_to_snapshot`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::object::{Snapshot, Volume};
use crate::rpc::version::Version;

/// Sets a volume back to a snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevertToSnapshot {
    /// The volume.
    pub volume: Volume,
    /// The snapshot.
    pub snapshot: Snapshot,
}

impl Method for RevertToSnapshot {
    const NAME: &'static str = "revert_to_snapshot";
    const SINCE: Version = Version::new(3, 15);
    const SENT: Version = Version::new(3, 15);
    const KIND: Kind = Kind::Cast;
    const PARAMS: &'static [Param] = &[Param::required("volume"), Param::required("snapshot")];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![
            Resource::Volume(self.volume.id()),
            Resource::Snapshot(self.snapshot.id()),
        ]
    }
}
