//! `manage_existing_snapshot`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Kind, Method, Param, Resource};
use crate::rpc::object::Snapshot;
use crate::rpc::version::Version;

/// Takes over a snapshot of the array.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ManageExistingSnapshot {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// How to find it, e.g. `source-name`.
    #[serde(rename = "ref", default)]
    pub reference: Value,
}

impl Method for ManageExistingSnapshot {
    const NAME: &'static str = "manage_existing_snapshot";
    const SINCE: Version = Version::new(1, 28);
    const SENT: Version = Version::new(3, 0);
    const KIND: Kind = Kind::Cast;
    const PARAMS: &'static [Param] = &[Param::required("snapshot"), Param::optional("ref")];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Snapshot(self.snapshot.id())]
    }
}
