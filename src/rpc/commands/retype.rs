//! `retype`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Destination, Kind, Method, Param, Resource};
use crate::rpc::object::Volume;
use crate::rpc::version::Version;

/// Gives a volume another type, on this host or another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retype {
    /// The volume.
    pub volume: Volume,
    /// The new type.
    pub new_type_id: String,
    /// Where the volume shall be.
    pub host: Destination,
    /// `never` or `on-demand`.
    #[serde(default = "migration_policy_default")]
    pub migration_policy: String,
    /// Quota reservations of the new type.
    #[serde(default)]
    pub reservations: Option<Vec<String>>,
    /// Quota reservations of the old type.
    #[serde(default)]
    pub old_reservations: Option<Vec<String>>,
}

impl Method for Retype {
    const NAME: &'static str = "retype";
    const SINCE: Version = Version::new(1, 12);
    const SENT: Version = Version::new(3, 5);
    const KIND: Kind = Kind::Cast;
    const PARAMS: &'static [Param] = &[
        Param::required("volume"),
        Param::required("new_type_id"),
        Param::required("host"),
        Param::optional("migration_policy"),
        Param::optional("reservations"),
        Param::optional("old_reservations"),
    ];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Volume(self.volume.id())]
    }
}

fn migration_policy_default() -> String {
    "never".to_owned()
}
