//! `create_group_from_src`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::object::{Group, GroupSnapshot};
use crate::rpc::version::Version;

/// Makes a group from a group snapshot or another group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateGroupFromSrc {
    /// The group.
    pub group: Group,
    /// Group snapshot to make it from.
    #[serde(default)]
    pub group_snapshot: Option<GroupSnapshot>,
    /// Group to clone.
    #[serde(default)]
    pub source_group: Option<Group>,
}

impl Method for CreateGroupFromSrc {
    const NAME: &'static str = "create_group_from_src";
    const SINCE: Version = Version::new(2, 6);
    const SENT: Version = Version::new(3, 0);
    const KIND: Kind = Kind::Cast;
    const PARAMS: &'static [Param] = &[
        Param::required("group"),
        Param::optional("group_snapshot"),
        Param::optional("source_group"),
    ];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Group(self.group.id())]
    }
}
