//! `failover_replication`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::object::Group;
use crate::rpc::version::Version;

/// Fails a replicated group over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FailoverReplication {
    /// The group.
    pub group: Group,
    /// Even if a member is attached.
    #[serde(default)]
    pub allow_attached_volume: bool,
    /// Where to; `default` to go back.
    #[serde(default)]
    pub secondary_backend_id: Option<String>,
}

impl Method for FailoverReplication {
    const NAME: &'static str = "failover_replication";
    const SINCE: Version = Version::new(3, 14);
    const SENT: Version = Version::new(3, 14);
    const KIND: Kind = Kind::Cast;
    const PARAMS: &'static [Param] = &[
        Param::required("group"),
        Param::optional("allow_attached_volume"),
        Param::optional("secondary_backend_id"),
    ];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Group(self.group.id())]
    }
}
