//! `create_group_snapshot`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::object::GroupSnapshot;
use crate::rpc::version::Version;

/// Takes a snapshot of a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateGroupSnapshot {
    /// The group snapshot.
    pub group_snapshot: GroupSnapshot,
}

impl Method for CreateGroupSnapshot {
    const NAME: &'static str = "create_group_snapshot";
    const SINCE: Version = Version::new(2, 6);
    const SENT: Version = Version::new(3, 0);
    const KIND: Kind = Kind::Cast;
    const PARAMS: &'static [Param] = &[Param::required("group_snapshot")];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::GroupSnapshot(self.group_snapshot.id())]
    }
}
