//! `delete_snapshot`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::object::Snapshot;
use crate::rpc::version::Version;

/// Deletes a snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteSnapshot {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// Give the snapshot up, but leave it on the array.
    #[serde(default)]
    pub unmanage_only: bool,
}

impl Method for DeleteSnapshot {
    const NAME: &'static str = "delete_snapshot";
    const SINCE: Version = Version::new(1, 0);
    const SENT: Version = Version::new(3, 0);
    const KIND: Kind = Kind::Cast;
    const PARAMS: &'static [Param] = &[
        Param::required("snapshot"),
        Param::optional("unmanage_only"),
    ];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Snapshot(self.snapshot.id())]
    }
}
