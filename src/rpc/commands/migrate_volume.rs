//! `migrate_volume`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Destination, Kind, Method, Param, Resource};
use crate::rpc::object::Volume;
use crate::rpc::opaque::Opaque;
use crate::rpc::version::Version;

/// Moves a volume to another host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MigrateVolume {
    /// The volume.
    pub volume: Volume,
    /// Where to.
    pub host: Destination,
    /// Copy even if the array could move it.
    #[serde(default)]
    pub force_host_copy: bool,
    /// Type it shall have there; not sent by any client.
    #[serde(default)]
    pub new_type_id: Option<String>,
    /// Difference of the types; not sent by any client.
    #[serde(default)]
    pub diff: Option<Opaque>,
}

impl Method for MigrateVolume {
    const NAME: &'static str = "migrate_volume";
    const SINCE: Version = Version::new(1, 8);
    const SENT: Version = Version::new(3, 5);
    const KIND: Kind = Kind::Cast;
    const PARAMS: &'static [Param] = &[
        Param::required("volume"),
        Param::required("host"),
        Param::optional("force_host_copy"),
        Param::optional("new_type_id"),
        Param::optional("diff"),
    ];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Volume(self.volume.id())]
    }
}
