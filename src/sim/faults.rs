//! Things that go wrong on demand.

use hyper::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Which requests a fault befalls; what is None matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultMatch {
    /// HTTP method, in capitals.
    #[serde(default)]
    pub method: Option<String>,
    /// Object type as in URLs: `volumes`.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// Name or index in the URL, or a string anywhere at the top of the body.
    #[serde(default)]
    pub name: Option<String>,
}

/// What befalls a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultAction {
    /// Refused with `system_is_busy`, not applied.
    Busy,
    /// Refused with `too_many_objs`, as by an array that holds all it can, not applied.
    Full,
    /// Answered with this status, not applied. The body is not JSON, as from a proxy.
    Status(u16),
    /// The connection is cut, not applied.
    ResetBefore,
    /// Applied, then the connection is cut without an answer.
    ResetAfter,
    /// Waits until the faults are cleared, then goes on.
    Hang,
    /// Applied, then the connection is cut in the middle of the answer's body.
    Truncate,
    /// Waits so many milliseconds, then goes on.
    DelayMs(u64),
}

/// A fault and how often it happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which requests.
    #[serde(default, rename = "match")]
    pub matching: FaultMatch,
    /// What happens.
    pub action: FaultAction,
    /// How many times; None: until cleared.
    #[serde(default)]
    pub times: Option<u64>,
}

impl Fault {
    /// A fault for each request that has this method and type.
    pub fn on(method: &str, kind: &str, action: FaultAction) -> Self {
        Self {
            matching: FaultMatch {
                method: Some(method.to_owned()),
                kind: Some(kind.to_owned()),
                name: None,
            },
            action,
            times: None,
        }
    }

    /// The same, for so many times only.
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }
}

/// What a fault may look at.
#[derive(Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) method: &'a Method,
    pub(crate) kind: Option<&'a str>,
    pub(crate) url_name: Option<&'a str>,
    pub(crate) body: Option<&'a Map<String, Value>>,
}

impl FaultMatch {
    fn matches(&self, seen: &Seen<'_>) -> bool {
        self.method
            .as_deref()
            .is_none_or(|m| m == seen.method.as_str())
            && self
                .kind
                .as_deref()
                .is_none_or(|kind| seen.kind == Some(kind))
            && self.name.as_deref().is_none_or(|name| seen.names(name))
    }
}

impl Seen<'_> {
    fn names(&self, name: &str) -> bool {
        let is_name = |value: &Value| value.as_str() == Some(name);
        let in_body = self.body.is_some_and(|body| {
            body.values().any(|value| match value {
                Value::Array(items) => items.iter().any(is_name),
                other => is_name(other),
            })
        });
        in_body || self.url_name == Some(name)
    }
}

/// Takes the first fault that matches, once.
pub(crate) fn take(faults: &mut Vec<Fault>, seen: &Seen<'_>) -> Option<FaultAction> {
    let at = faults
        .iter()
        .position(|fault| fault.times != Some(0) && fault.matching.matches(seen))?;
    let action = faults[at].action;
    if let Some(times) = &mut faults[at].times {
        *times -= 1;
        if *times == 0 {
            faults.remove(at);
        }
    }
    Some(action)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn a_fault_happens_so_often_and_only_where_it_matches() {
        let mut faults: Vec<Fault> = serde_json::from_value(json!([
            {"match": {"method": "POST", "type": "volumes", "name": "v1"}, "action": "busy", "times": 2},
            {"match": {"type": "lun-maps"}, "action": {"status": 503}, "times": null},
        ]))
        .unwrap();
        let body = json!({"vol-name": "v1"});
        let mut seen = Seen {
            method: &Method::POST,
            kind: Some("volumes"),
            url_name: None,
            body: body.as_object(),
        };
        assert_eq!(take(&mut faults, &seen), Some(FaultAction::Busy));
        assert_eq!(take(&mut faults, &seen), Some(FaultAction::Busy));
        assert_eq!(take(&mut faults, &seen), None);
        seen.kind = Some("lun-maps");
        for _ in 0..3 {
            assert_eq!(take(&mut faults, &seen), Some(FaultAction::Status(503)));
        }
    }
}
