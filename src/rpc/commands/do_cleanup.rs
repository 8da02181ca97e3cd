//! `do_cleanup`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::object::CleanupRequest;
use crate::rpc::version::Version;

/// Finishes or undoes interrupted work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DoCleanup {
    /// Whose work.
    pub cleanup_request: CleanupRequest,
}

impl Method for DoCleanup {
    const NAME: &'static str = "do_cleanup";
    const SINCE: Version = Version::new(3, 7);
    const SENT: Version = Version::new(3, 7);
    const KIND: Kind = Kind::Cast;
    const PARAMS: &'static [Param] = &[Param::required("cleanup_request")];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Host]
    }
}
