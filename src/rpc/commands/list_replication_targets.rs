//! `list_replication_targets`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, ReplicationTargets, Resource};
use crate::rpc::object::Group;
use crate::rpc::version::Version;

/// Lists where a group could fail over to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListReplicationTargets {
    /// The group.
    pub group: Group,
}

impl Method for ListReplicationTargets {
    const NAME: &'static str = "list_replication_targets";
    const SINCE: Version = Version::new(3, 14);
    const SENT: Version = Version::new(3, 14);
    const KIND: Kind = Kind::Call;
    const PARAMS: &'static [Param] = &[Param::required("group")];
    /// The targets.
    type Reply = ReplicationTargets;

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Group(self.group.id())]
    }
}
