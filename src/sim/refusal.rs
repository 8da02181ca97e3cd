//! What the array says when it does not do what it was asked.

use serde_json::{Value, json};

use super::version::Kind;

/// An error reply: a status and the `message` of its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) message: String,
    /// The body key that was not understood, for the statistics.
    pub(crate) rejected_key: Option<String>,
}

impl Refusal {
    /// HTTP 400 with a token or sentence: nearly every refusal.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::with_status(400, message)
    }

    pub(crate) fn with_status(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            rejected_key: None,
        }
    }

    /// The object named in the URL does not exist.
    pub(crate) fn not_found() -> Self {
        Self::new("obj_not_found")
    }

    /// An object named in the body does not exist.
    pub(crate) fn missing(kind: Kind) -> Self {
        Self::new(format!("{}_obj_not_found", kind.token()))
    }

    pub(crate) fn not_unique(kind: Kind) -> Self {
        Self::new(format!("{}_obj_name_not_unique", kind.token()))
    }

    pub(crate) fn invalid_property(key: &str) -> Self {
        Self {
            rejected_key: Some(key.to_owned()),
            ..Self::new(format!("Command Syntax Error: Invalid property {key}"))
        }
    }

    pub(crate) fn invalid_value(key: &str) -> Self {
        Self::new(format!(
            "Command Syntax Error: Invalid value for property {key}"
        ))
    }

    pub(crate) fn missing_property(key: &str) -> Self {
        Self::new(format!("Command Syntax Error: Missing property {key}"))
    }

    pub(crate) fn method_not_allowed() -> Self {
        Self::new("Method not allowed")
    }

    /// An URL that leads nowhere. What a real XMS answers is not known beyond "not 400".
    pub(crate) fn unknown_url() -> Self {
        Self::with_status(404, "Not found")
    }

    pub(crate) fn body(&self) -> Value {
        json!({"message": self.message, "error_code": self.status})
    }
}
