//! `secure_file_operations_enabled`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::object::Volume;
use crate::rpc::version::Version;

/// Tells whether files are handled as an unprivileged user: never, for arrays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecureFileOperationsEnabled {
    /// The volume asked about.
    pub volume: Option<Volume>,
}

impl Method for SecureFileOperationsEnabled {
    const NAME: &'static str = "secure_file_operations_enabled";
    const SINCE: Version = Version::new(1, 38);
    const SENT: Version = Version::new(3, 0);
    const KIND: Kind = Kind::Call;
    const PARAMS: &'static [Param] = &[Param::required("volume")];
    /// False for block storage.
    type Reply = bool;

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Host]
    }
}
