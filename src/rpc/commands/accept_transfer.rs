//! `accept_transfer`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::opaque::Opaque;
use crate::rpc::version::Version;

/// Tells the backend that a volume changes hands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptTransfer {
    /// Id of the volume.
    pub volume_id: String,
    /// User who accepts.
    pub new_user: String,
    /// Project that accepts.
    pub new_project: String,
    /// Whether its snapshots stay behind.
    #[serde(default)]
    pub no_snapshots: bool,
}

impl Method for AcceptTransfer {
    const NAME: &'static str = "accept_transfer";
    const SINCE: Version = Version::new(1, 5);
    const SENT: Version = Version::new(3, 16);
    const KIND: Kind = Kind::Call;
    const PARAMS: &'static [Param] = &[
        Param::required("volume_id"),
        Param::required("new_user"),
        Param::required("new_project"),
        Param::optional("no_snapshots"),
    ];
    /// Columns the backend set, or null.
    type Reply = Option<Opaque>;

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Volume(&self.volume_id)]
    }
}
