//! `remove_export_snapshot`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::version::Version;

/// Takes a snapshot's export away; nothing to do for arrays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveExportSnapshot {
    /// Id of the snapshot.
    pub snapshot_id: String,
}

impl Method for RemoveExportSnapshot {
    const NAME: &'static str = "remove_export_snapshot";
    const SINCE: Version = Version::new(3, 13);
    const SENT: Version = Version::new(3, 13);
    const KIND: Kind = Kind::Either;
    const PARAMS: &'static [Param] = &[Param::required("snapshot_id")];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Snapshot(&self.snapshot_id)]
    }
}
