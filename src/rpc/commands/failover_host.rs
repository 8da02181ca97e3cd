//! `failover_host`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::version::Version;

/// The older name of `failover`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FailoverHost {
    /// Where to; `default` to go back.
    #[serde(default)]
    pub secondary_backend_id: Option<String>,
}

impl Method for FailoverHost {
    const NAME: &'static str = "failover_host";
    const SINCE: Version = Version::new(1, 39);
    const SENT: Version = Version::new(3, 0);
    const KIND: Kind = Kind::Cast;
    const PARAMS: &'static [Param] = &[Param::optional("secondary_backend_id")];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Host]
    }
}
