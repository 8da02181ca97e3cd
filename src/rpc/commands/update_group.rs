//! `update_group`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::object::Group;
use crate::rpc::version::Version;

/// Adds volumes to a group and takes others out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateGroup {
    /// The group.
    pub group: Group,
    /// Ids to add, separated by commas.
    #[serde(default)]
    pub add_volumes: Option<String>,
    /// Ids to take out, separated by commas.
    #[serde(default)]
    pub remove_volumes: Option<String>,
}

impl Method for UpdateGroup {
    const NAME: &'static str = "update_group";
    const SINCE: Version = Version::new(2, 5);
    const SENT: Version = Version::new(3, 0);
    const KIND: Kind = Kind::Cast;
    const PARAMS: &'static [Param] = &[
        Param::required("group"),
        Param::optional("add_volumes"),
        Param::optional("remove_volumes"),
    ];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Group(self.group.id())]
    }
}
