//! `get_log_levels`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::object::{LogLevel, LogLevelList};
use crate::rpc::version::Version;

/// Tells levels of loggers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetLogLevels {
    /// Which loggers.
    pub log_request: LogLevel,
}

impl Method for GetLogLevels {
    const NAME: &'static str = "get_log_levels";
    const SINCE: Version = Version::new(3, 12);
    const SENT: Version = Version::new(3, 12);
    const KIND: Kind = Kind::Call;
    const PARAMS: &'static [Param] = &[Param::required("log_request")];
    /// The levels.
    type Reply = LogLevelList;

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Host]
    }
}
