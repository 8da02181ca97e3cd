//! `create_volume`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::object::{RequestSpec, Volume};
use crate::rpc::opaque::Opaque;
use crate::rpc::version::Version;

/// Makes a volume: blank, or from a snapshot, volume, image or backup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateVolume {
    /// The volume.
    pub volume: Volume,
    /// What the scheduler was asked for; passed back when the create is rescheduled.
    #[serde(default)]
    pub request_spec: Option<RequestSpec>,
    /// The scheduler's notes, `retry` among them; passed back likewise.
    #[serde(default)]
    pub filter_properties: Option<Opaque>,
    /// Whether a failed create may go to another host.
    #[serde(default = "super::yes")]
    pub allow_reschedule: bool,
}

impl Method for CreateVolume {
    const NAME: &'static str = "create_volume";
    const SINCE: Version = Version::new(1, 0);
    const SENT: Version = Version::new(3, 0);
    const KIND: Kind = Kind::Cast;
    const PARAMS: &'static [Param] = &[
        Param::required("volume"),
        Param::optional("request_spec"),
        Param::optional("filter_properties"),
        Param::optional("allow_reschedule"),
    ];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Volume(self.volume.id())]
    }
}
