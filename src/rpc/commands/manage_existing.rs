//! `manage_existing`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Kind, Method, Param, Resource};
use crate::rpc::object::Volume;
use crate::rpc::version::Version;

/// Takes over a volume of the array.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ManageExisting {
    /// The volume.
    pub volume: Volume,
    /// How to find it, e.g. `source-name`.
    #[serde(rename = "ref", default)]
    pub reference: Value,
}

impl Method for ManageExisting {
    const NAME: &'static str = "manage_existing";
    const SINCE: Version = Version::new(1, 15);
    const SENT: Version = Version::new(3, 0);
    const KIND: Kind = Kind::Cast;
    const PARAMS: &'static [Param] = &[Param::required("volume"), Param::optional("ref")];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Volume(self.volume.id())]
    }
}
