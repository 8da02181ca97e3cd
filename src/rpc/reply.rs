//! Bodies of replies: the final one, and the heartbeats of call monitoring.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::envelope;
use super::failure::Failure;

/// The inner message of a reply. All members are always present: clients need each of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reply {
    /// What the method returned; null with a failure and in heartbeats.
    pub result: Value,
    /// A failure as JSON text, see `Failure::to_wire`.
    pub failure: Option<String>,
    /// Whether this is the last reply; false only in heartbeats.
    pub ending: bool,
    /// The request's id.
    #[serde(rename = "_msg_id")]
    pub msg_id: String,
    /// An id of this reply's own, 32 hexadecimal digits.
    #[serde(rename = "_unique_id")]
    pub unique_id: String,
}

impl Reply {
    /// The final reply to a call.
    pub fn new(msg_id: &str, unique_id: &str, outcome: Result<Value, &Failure>) -> Self {
        let (result, failure) = match outcome {
            Ok(result) => (result, None),
            Err(failure) => (Value::Null, Some(failure.to_wire())),
        };
        Self {
            result,
            failure,
            ending: true,
            msg_id: msg_id.to_owned(),
            unique_id: unique_id.to_owned(),
        }
    }

    /// A sign of life to a caller that asked for them with `_timeout`; any other caller
    /// crashes on it.
    pub fn heartbeat(msg_id: &str, unique_id: &str) -> Self {
        Self {
            ending: false,
            ..Self::new(msg_id, unique_id, Ok(Value::Null))
        }
    }

    /// The body to publish, envelope included.
    pub fn to_body(&self) -> Vec<u8> {
        envelope::seal(self)
    }
}
