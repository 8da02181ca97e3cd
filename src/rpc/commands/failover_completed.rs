//! `failover_completed`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::opaque::Opaque;
use crate::rpc::version::Version;

/// Tells the other hosts of a cluster of a failover.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FailoverCompleted {
    /// Columns of the service row.
    pub updates: Opaque,
}

impl Method for FailoverCompleted {
    const NAME: &'static str = "failover_completed";
    const SINCE: Version = Version::new(3, 8);
    const SENT: Version = Version::new(3, 8);
    const KIND: Kind = Kind::Cast;
    const PARAMS: &'static [Param] = &[Param::required("updates")];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Host]
    }
}
