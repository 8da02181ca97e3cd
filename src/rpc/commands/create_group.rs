//! `create_group`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::object::Group;
use crate::rpc::version::Version;

/// Makes an empty group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateGroup {
    /// The group.
    pub group: Group,
}

impl Method for CreateGroup {
    const NAME: &'static str = "create_group";
    const SINCE: Version = Version::new(2, 5);
    const SENT: Version = Version::new(3, 0);
    const KIND: Kind = Kind::Cast;
    const PARAMS: &'static [Param] = &[Param::required("group")];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Group(self.group.id())]
    }
}
