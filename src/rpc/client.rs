//! The caller's half: reads replies and rebuilds failures, as the test publisher needs it.

use serde_json::Value;

use super::envelope::{self, Properties, Reject};
use super::failure::Failure;
use super::json;

/// A reply as the caller sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// Id of the call it answers.
    pub msg_id: String,
    /// What it says.
    pub outcome: Outcome,
}

/// What a reply says.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The method still runs.
    Heartbeat,
    /// The method returned this.
    Result(Value),
    /// The method failed.
    Failure(Box<Failure>),
}

/// Why a reply is of no use.
#[derive(Debug, thiserror::Error)]
pub enum BadReply {
    /// The body cannot be opened.
    #[error("reply cannot be opened")]
    Reject(#[from] Reject),
    /// The body is empty.
    #[error("reply is empty")]
    Empty,
    /// It does not say which call it answers.
    #[error("reply without _msg_id")]
    NoMessageId,
    /// The member `failure` is missing, where null means success.
    #[error("reply to {0} without the member failure")]
    NoFailureMember(String),
    /// The failure is not a string.
    #[error("failure in the reply to {0} is not a string")]
    FailureNotText(String),
    /// The failure's text is not the JSON of a failure.
    #[error("failure in the reply to {0} cannot be read")]
    FailureJson(String, #[source] serde_json::Error),
}

/// Reads the body of a reply.
///
/// # Errors
///
/// What a Python client would reject or crash on.
pub fn receive(properties: &Properties<'_>, body: &[u8]) -> Result<Received, BadReply> {
    let mut reply = envelope::open_object(properties, body)?.ok_or(BadReply::Empty)?;
    let Some(Value::String(msg_id)) = reply.remove("_msg_id") else {
        return Err(BadReply::NoMessageId);
    };
    let result = reply.remove("result").unwrap_or_default();
    let outcome = match reply.remove("failure") {
        None => return Err(BadReply::NoFailureMember(msg_id)),
        Some(Value::Null) => {
            // Old peers send a result with `ending` false: only null is a heartbeat.
            let ending = reply.get("ending") != Some(&Value::Bool(false));
            if ending || !result.is_null() {
                Outcome::Result(result)
            } else {
                Outcome::Heartbeat
            }
        }
        Some(Value::String(text)) => {
            let failure = json::parse(&text).and_then(serde_json::from_value);
            match failure {
                Ok(failure) => Outcome::Failure(Box::new(failure)),
                Err(error) => return Err(BadReply::FailureJson(msg_id, error)),
            }
        }
        Some(_) => return Err(BadReply::FailureNotText(msg_id)),
    };
    Ok(Received { msg_id, outcome })
}
