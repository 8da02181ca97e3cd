//! A request as it came, before anybody looked at its method.

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

use super::context::RequestContext;
use super::json::python_str;

/// An opened request. Members of the wrong type are kept as they are, so that dispatch can
/// answer them as a Python server does.
#[derive(Clone)]
pub struct Message {
    /// `method`; null if missing.
    pub method: Value,
    /// `args`; `{}` if missing.
    pub args: Value,
    /// `namespace`; null if missing. Cinder sets none.
    pub namespace: Value,
    /// `version`; `"1.0"` if missing.
    pub version: Value,
    /// `_msg_id`, present in calls.
    pub msg_id: Option<String>,
    /// `_reply_q`, the queue a call wants its reply on.
    pub reply_q: Option<String>,
    /// `_timeout`, the call-monitor timeout in seconds; usually null.
    pub timeout: Value,
    /// `_unique_id`, the same in every delivery of one message.
    pub unique_id: Option<String>,
    /// The members `_context_*`, without that prefix.
    pub context: Map<String, Value>,
}

/// Where the reply to a call goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyTo {
    /// Routing key on the default exchange.
    pub queue: String,
    /// Id of the call.
    pub msg_id: String,
}

impl Message {
    /// Takes an opened object apart; unknown members are dropped.
    pub fn from_wire(object: Map<String, Value>) -> Self {
        let mut message = Self {
            method: Value::Null,
            args: Value::Object(Map::new()),
            namespace: Value::Null,
            version: Value::String("1.0".to_owned()),
            msg_id: None,
            reply_q: None,
            timeout: Value::Null,
            unique_id: None,
            context: Map::new(),
        };
        for (key, value) in object {
            match key.as_str() {
                "method" => message.method = value,
                "args" => message.args = value,
                "namespace" => message.namespace = value,
                "version" => message.version = value,
                "_msg_id" => message.msg_id = id(value),
                "_reply_q" => message.reply_q = id(value),
                "_timeout" => message.timeout = value,
                "_unique_id" => message.unique_id = id(value),
                _ => {
                    if let Some(name) = key.strip_prefix("_context_") {
                        message.context.insert(name.to_owned(), value);
                    }
                }
            }
        }
        message
    }

    /// The request id for log lines, if the context has one.
    pub fn request_id(&self) -> Option<&str> {
        self.context.get("request_id").and_then(Value::as_str)
    }

    /// The method's name for log lines; empty if it has none.
    pub fn method_name(&self) -> &str {
        self.method.as_str().unwrap_or_default()
    }

    /// Who asks, and on whose behalf.
    pub fn request_context(&self) -> RequestContext {
        RequestContext::from_wire(&self.context)
    }

    /// Where the reply goes. `None` for casts, and for calls that name no reply queue: no
    /// reply can reach those.
    pub fn reply_to(&self) -> Option<ReplyTo> {
        Some(ReplyTo {
            queue: self.reply_q.clone()?,
            msg_id: self.msg_id.clone()?,
        })
    }

    /// How often the caller wants a sign of life: half of `_timeout`, whole seconds of it.
    /// `None` if it asks for none, or for one more often than each second.
    pub fn heartbeat_interval(&self) -> Option<Duration> {
        let seconds = match &self.timeout {
            Value::Number(number) => number.as_f64()?,
            Value::String(text) => text.trim().parse::<u32>().ok()?.into(),
            _ => return None,
        };
        // A year is longer than any command and keeps Duration from overflowing.
        let half = seconds.trunc().min(31_536_000.0) / 2.0;
        (half >= 1.0).then(|| Duration::from_secs_f64(half))
    }
}

impl fmt::Debug for Message {
    /// Arguments and context hold credentials and are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("method", &self.method)
            .field("version", &self.version)
            .field("msg_id", &self.msg_id)
            .field("reply_q", &self.reply_q)
            .field("unique_id", &self.unique_id)
            .finish_non_exhaustive()
    }
}

/// An id; what Python takes as false is none.
fn id(value: Value) -> Option<String> {
    match value {
        Value::Null | Value::Bool(false) => None,
        Value::String(text) => Some(text).filter(|text| !text.is_empty()),
        other => Some(python_str(&other)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn message(value: Value) -> Message {
        Message::from_wire(value.as_object().unwrap().clone())
    }

    #[test]
    fn heartbeats_come_at_half_of_the_whole_seconds() {
        for (timeout, millis) in [
            (json!(null), None),
            (json!(0), None),
            (json!(1), None),
            (json!(2), Some(1000)),
            (json!(4.9), Some(2000)),
            (json!(5), Some(2500)),
            (json!("abc"), None),
            (json!("4"), Some(2000)),
            (json!(-4), None),
            (json!([2]), None),
        ] {
            let interval = message(json!({"_timeout": timeout})).heartbeat_interval();
            assert_eq!(interval.map(|i| i.as_millis()), millis, "{timeout}");
        }
    }

    #[test]
    fn debug_shows_neither_arguments_nor_context() {
        let message = message(json!({
            "method": "create_volume", "args": {"connector": "chap-secret"},
            "_context_auth_token": "token-secret",
        }));
        let text = format!("{message:?}");
        assert!(text.contains("create_volume"));
        assert!(!text.contains("secret"), "{text}");
    }

    #[test]
    fn a_reply_needs_both_id_and_queue() {
        let to = message(json!({"_msg_id": "m", "_reply_q": "q"})).reply_to();
        assert_eq!(to.unwrap().queue, "q");
        assert!(message(json!({"_msg_id": "m"})).reply_to().is_none());
        assert!(message(json!({"_reply_q": "q"})).reply_to().is_none());
    }
}
