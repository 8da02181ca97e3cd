//! `publish_service_capabilities`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Resource};
use crate::rpc::version::Version;

/// Asks for a capability report at once; a starting scheduler sends it to all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishServiceCapabilities {}

impl Method for PublishServiceCapabilities {
    const NAME: &'static str = "publish_service_capabilities";
    const SINCE: Version = Version::new(1, 2);
    const SENT: Version = Version::new(3, 0);
    const KIND: Kind = Kind::Cast;
    const PARAMS: &'static [super::Param] = &[];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Host]
    }
}
