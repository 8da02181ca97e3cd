//! `get_capabilities`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::opaque::Opaque;
use crate::rpc::version::Version;

/// Tells what the backend can do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetCapabilities {
    /// Ask the array afresh.
    pub discover: bool,
}

impl Method for GetCapabilities {
    const NAME: &'static str = "get_capabilities";
    const SINCE: Version = Version::new(1, 29);
    const SENT: Version = Version::new(3, 0);
    const KIND: Kind = Kind::Call;
    const PARAMS: &'static [Param] = &[Param::required("discover")];
    /// The capabilities last reported, plus `properties`.
    type Reply = Opaque;

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Host]
    }
}
