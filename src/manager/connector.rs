//! The attaching host as the message describes it.

use serde_json::Value;

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
