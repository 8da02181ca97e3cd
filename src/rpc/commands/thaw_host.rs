//! `thaw_host`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Resource};
use crate::rpc::version::Version;

/// Allows changes on the backend again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThawHost {}

impl Method for ThawHost {
    const NAME: &'static str = "thaw_host";
    const SINCE: Version = Version::new(1, 39);
    const SENT: Version = Version::new(3, 0);
    const KIND: Kind = Kind::Call;
    const PARAMS: &'static [super::Param] = &[];
    /// False if the backend refused.
    type Reply = bool;

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Host]
    }
}
