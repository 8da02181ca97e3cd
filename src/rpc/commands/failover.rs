//! `failover`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::version::Version;

/// Fails the backend over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Failover {
    /// Where to; `default` to go back.
    #[serde(default)]
    pub secondary_backend_id: Option<String>,
}

impl Method for Failover {
    const NAME: &'static str = "failover";
    const SINCE: Version = Version::new(3, 8);
    const SENT: Version = Version::new(3, 8);
    const KIND: Kind = Kind::Cast;
    const PARAMS: &'static [Param] = &[Param::optional("secondary_backend_id")];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Host]
    }
}
