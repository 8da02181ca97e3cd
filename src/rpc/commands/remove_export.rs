//! `remove_export`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::version::Version;

/// Takes a volume's export away; nothing to do for arrays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveExport {
    /// Id of the volume.
    pub volume_id: String,
}

impl Method for RemoveExport {
    const NAME: &'static str = "remove_export";
    const SINCE: Version = Version::new(1, 30);
    const SENT: Version = Version::new(3, 0);
    const KIND: Kind = Kind::Either;
    const PARAMS: &'static [Param] = &[Param::required("volume_id")];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Volume(&self.volume_id)]
    }
}
