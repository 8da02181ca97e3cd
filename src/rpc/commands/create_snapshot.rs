//! `create_snapshot`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::object::Snapshot;
use crate::rpc::version::Version;

/// Takes a snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateSnapshot {
    /// The snapshot.
    pub snapshot: Snapshot,
}

impl Method for CreateSnapshot {
    const NAME: &'static str = "create_snapshot";
    const SINCE: Version = Version::new(1, 0);
    const SENT: Version = Version::new(3, 0);
    const KIND: Kind = Kind::Cast;
    const PARAMS: &'static [Param] = &[Param::required("snapshot")];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Snapshot(self.snapshot.id())]
    }
}
