//! `disable_replication`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::object::Group;
use crate::rpc::version::Version;

/// Turns a group's replication off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DisableReplication {
    /// The group.
    pub group: Group,
}

impl Method for DisableReplication {
    const NAME: &'static str = "disable_replication";
    const SINCE: Version = Version::new(3, 14);
    const SENT: Version = Version::new(3, 14);
    const KIND: Kind = Kind::Cast;
    const PARAMS: &'static [Param] = &[Param::required("group")];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Group(self.group.id())]
    }
}
