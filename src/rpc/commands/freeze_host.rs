//! `freeze_host`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Resource};
use crate::rpc::version::Version;

/// Stops changes on the backend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FreezeHost {}

impl Method for FreezeHost {
    const NAME: &'static str = "freeze_host";
    const SINCE: Version = Version::new(1, 39);
    const SENT: Version = Version::new(3, 0);
    const KIND: Kind = Kind::Call;
    const PARAMS: &'static [super::Param] = &[];
    /// True.
    type Reply = bool;

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Host]
    }
}
