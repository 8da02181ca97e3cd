//! `set_log_levels`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::object::LogLevel;
use crate::rpc::version::Version;

/// Changes levels of loggers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetLogLevels {
    /// Which loggers, and their level.
    pub log_request: LogLevel,
}

impl Method for SetLogLevels {
    const NAME: &'static str = "set_log_levels";
    const SINCE: Version = Version::new(3, 12);
    const SENT: Version = Version::new(3, 12);
    const KIND: Kind = Kind::Cast;
    const PARAMS: &'static [Param] = &[Param::required("log_request")];
    type Reply = ();

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Host]
    }
}
