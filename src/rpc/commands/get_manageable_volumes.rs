//! `get_manageable_volumes`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Kind, Method, Param, Resource};
use crate::rpc::object::ManageableVolume;
use crate::rpc::version::Version;

/// Lists the volumes of the array that could be taken over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetManageableVolumes {
    /// Where the page begins.
    pub marker: Value,
    /// Length of the page.
    pub limit: Option<i64>,
    /// Entries to skip.
    pub offset: Option<i64>,
    /// What to sort by.
    pub sort_keys: Option<Vec<String>>,
    /// `asc` or `desc` for each key.
    pub sort_dirs: Option<Vec<String>>,
    /// Whether to reply with objects; always true.
    #[serde(default)]
    pub want_objects: bool,
}

impl Method for GetManageableVolumes {
    const NAME: &'static str = "get_manageable_volumes";
    const SINCE: Version = Version::new(2, 1);
    const SENT: Version = Version::new(3, 10);
    const KIND: Kind = Kind::Call;
    const PARAMS: &'static [Param] = &[
        Param::required("marker"),
        Param::required("limit"),
        Param::required("offset"),
        Param::required("sort_keys"),
        Param::required("sort_dirs"),
        Param::optional("want_objects"),
    ];
    /// The page; a plain list, no list object.
    type Reply = Vec<ManageableVolume>;

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Host]
    }
}
