//! The attaching host as the message describes it.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

use super::Run;
use super::error::CommandError;
use crate::backend::{BackendError, Connector};
use crate::rpc::opaque::Opaque;

/// What the array needs of it.
pub(super) fn of(connector: &Opaque) -> Connector {
    let text = |key: &str| connector.text(key).map(str::to_owned);
    let list = |key: &str| match connector.get(key) {
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect(),
        // One name may stand alone.
        Some(Value::String(one)) => vec![one.clone()],
        _ => Vec::new(),
    };
    Connector {
        host: text("host"),
        initiator: text("initiator"),
        wwpns: list("wwpns"),
        wwnns: list("wwnns"),
    }
}

/// The connector as Cinder keeps it with an attachment: as Python's `json.dumps` writes it.
pub(super) fn text(connector: &Opaque) -> String {
    let mut out = Vec::new();
    let mut writer = Serializer::with_formatter(&mut out, Python);
    // Writing to memory does not fail, and the keys are strings.
    let _ = connector.serialize(&mut writer);
    String::from_utf8_lossy(&out).into_owned()
}

/// Blanks after `,` and `:`, and nothing beside printable ASCII.
struct Python;

impl Formatter for Python {
    fn begin_array_value<W: Write + ?Sized>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        w.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, w: &mut W, first: bool) -> io::Result<()> {
        w.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, w: &mut W) -> io::Result<()> {
        w.write_all(b": ")
    }

    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        w: &mut W,
        text: &str,
    ) -> io::Result<()> {
        for c in text.chars() {
            if matches!(c, ' '..='~') {
                write!(w, "{c}")?;
                continue;
            }
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(w, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }
}

impl Run<'_> {
    /// The connector, if the array can do something with it.
    pub(super) fn checked_connector(&self, connector: &Opaque) -> Result<Connector, CommandError> {
        let connector = of(connector);
        self.backend
            .check_connector(&connector)
            .map_err(|error| match error {
                BackendError::InvalidConnector { missing } => CommandError::InvalidInput {
                    reason: format!("Connector doesn't have required information: {missing}"),
                },
                other => CommandError::Connection {
                    reason: format!("Validate volume connection failed (error: {other})."),
                    source: Some(other),
                },
            })?;
        Ok(connector)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The text is what CPython's `json.dumps` makes of this dictionary.
    #[test]
    fn a_connector_is_kept_as_python_writes_it() {
        let connector = r#"{"a":"k\u00f6ln \ud83d\ude00 \u007f \"\n\u0001","m":true,"n":null,"w":["1","2"],"x":{},"y":[]}"#;
        let kept = r#"{"a": "k\u00f6ln \ud83d\ude00 \u007f \"\n\u0001", "m": true, "n": null, "w": ["1", "2"], "x": {}, "y": []}"#;
        assert_eq!(text(&serde_json::from_str(connector).unwrap()), kept);
    }
}
