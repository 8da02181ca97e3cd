//! `delete_group`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::object::Group;
use crate::rpc::version::Version;

/// Deletes a group with its volumes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteGroup {
    /// The group.
    pub group: Group,
}

impl Method for DeleteGroup {
    const NAME: &'static str = "delete_group";
    const SINCE: Version = Version::new(2, 5);
    const SENT: Version = Version::new(3, 0);
    const KIND: Kind = Kind::Cast;
    const PARAMS: &'static [Param] = &[Param::required("group")];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Group(self.group.id())]
    }
}
