//! A volume mapped to a host, and what the caller is told of it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tracing::warn;

use super::Run;
use super::error::CommandError;
use super::rows::array_name;
use crate::backend::{BackendError, Connection, Connector};
use crate::db::{DbError, MetadataOf, QosSpecs, Read, Volume as Row};
use crate::rpc::opaque::Opaque;

/// Limits that may be given per GiB.
const TUNABLE: [&str; 6] = [
    "read_iops_sec",
    "read_bytes_sec",
    "write_iops_sec",
    "write_bytes_sec",
    "total_iops_sec",
    "total_bytes_sec",
];

impl Run<'_> {
    /// Maps the volume to the host; what is mapped already stays as it is.
    pub(super) async fn connect(
        &self,
        row: &Row,
        connector: &Connector,
    ) -> Result<Connection, CommandError> {
        let name = array_name(row);
        self.array(|| self.backend.initialize_connection(name, connector))
            .await
            .map_err(|error| failed("Driver initialize connection failed", error))
    }

    /// The same for a repeat: what is not mapped any more was taken away since, and stays so.
    pub(super) async fn connect_again(
        &self,
        row: &Row,
        connector: &Connector,
    ) -> Result<Connection, CommandError> {
        let name = array_name(row);
        let seen = self
            .array(|| self.backend.is_connected(name, connector))
            .await
            .map_err(|error| failed("Driver initialize connection failed", error))?;
        if !seen {
            return Err(CommandError::InvalidVolume {
                reason: format!(
                    "volume {} is not connected to {} any more: no second time without a new request",
                    row.id,
                    connector.host.as_deref().unwrap_or("that host")
                ),
            });
        }
        self.connect(row, connector).await
    }

    /// Takes the volume away from the host, from all hosts without a connector.
    pub(super) async fn disconnect(
        &self,
        array_name: &str,
        connector: Option<&Connector>,
    ) -> Result<(), CommandError> {
        self.array(|| self.backend.terminate_connection(array_name, connector))
            .await
            .map_err(|error| failed("Terminate volume connection failed", error))
    }

    /// What the driver said, with what only Cinder knows of the volume.
    pub(super) async fn enriched(
        &self,
        row: &Row,
        connection: Connection,
        connector: &Opaque,
    ) -> Result<Map<String, Value>, CommandError> {
        let mut data = connection.data;
        let (qos, cacheable) = self.of_type(row).await?;
        data.insert("qos_specs".into(), json!(qos));
        let admin = MetadataOf::VolumeAdmin(&row.id);
        let admin = self.db(|| self.db.metadata(admin)).await?;
        let mode = admin.get("attached_mode").map_or_else(
            || {
                if admin.get("readonly").is_some_and(|value| value == "True") {
                    "ro"
                } else {
                    "rw"
                }
            },
            String::as_str,
        );
        data.insert("access_mode".into(), mode.into());
        data.insert("encrypted".into(), row.encryption_key_id.is_some().into());
        if let Some(cacheable) = cacheable {
            data.insert("cacheable".into(), cacheable.into());
        }
        if self.options.report_discard_supported {
            data.insert("discard".into(), true.into());
        }
        if let Some(geometry) = self.options.disk_geometry {
            let (physical, logical) = geometry.block_sizes();
            data.insert("physical_block_size".into(), physical.into());
            data.insert("logical_block_size".into(), logical.into());
        }
        // Hosts of releases before 26 do not know it, and do not look.
        let asked = connector.get("enforce_multipath").cloned();
        data.insert(
            "enforce_multipath".into(),
            asked.unwrap_or(Value::Bool(false)),
        );
        Ok(data)
    }

    /// Limits for the host's side, and whether it may cache, both of the volume's type.
    async fn of_type(
        &self,
        row: &Row,
    ) -> Result<(Option<BTreeMap<String, Value>>, Option<bool>), CommandError> {
        let Some(id) = row.volume_type_id.as_deref() else {
            return Ok((None, None));
        };
        let found = self.db(|| self.db.volume_type(id, Read::WithDeleted)).await;
        let volume_type = match found {
            Ok(volume_type) => volume_type,
            // No reason not to attach.
            Err(CommandError::Db(DbError::NotFound { .. })) => {
                warn!(volume.id = %row.id, volume_type.id = id, "the volume's type is not in the database");
                return Ok((None, None));
            }
            Err(error) => return Err(error),
        };
        let qos = match volume_type.qos_specs_id.as_deref() {
            Some(qos) => self.db(|| self.db.qos_specs(qos)).await?,
            None => None,
        };
        let extra = self.db(|| self.db.extra_specs(id)).await?;
        let cacheable = matches!(extra.get("cacheable"), Some(Some(text)) if text == "<is> True");
        let size = i64::from(row.size.unwrap_or(0));
        Ok((qos.and_then(|qos| front_end(qos, size)), Some(cacheable)))
    }
}

/// What the caller is told when the array does not do it; a stop stays a stop.
fn failed(what: &str, error: CommandError) -> CommandError {
    match error {
        CommandError::Backend(source) => CommandError::Connection {
            reason: format!("{what} (error: {}).", chained(&source)),
            source: Some(source),
        },
        other => other,
    }
}

fn chained(error: &BackendError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// The specs of a QoS that is for the host's side, those per GiB multiplied by the size (GiB).
fn front_end(qos: QosSpecs, size: i64) -> Option<BTreeMap<String, Value>> {
    if !matches!(qos.consumer.as_deref(), Some("front-end" | "both")) {
        return None;
    }
    let mut specs: BTreeMap<String, Value> = qos
        .specs
        .into_iter()
        .map(|(key, value)| (key, json!(value)))
        .collect();
    for option in TUNABLE {
        let Some(per_gb) = number(specs.get(&format!("{option}_per_gb"))) else {
            continue;
        };
        specs.remove(&format!("{option}_per_gb"));
        let least = number(specs.remove(&format!("{option}_per_gb_min")).as_ref()).unwrap_or(0);
        let value = per_gb.saturating_mul(size).max(least);
        let most = number(specs.remove(&format!("{option}_max")).as_ref()).unwrap_or(value);
        specs.insert(option.to_owned(), value.min(most).into());
    }
    Some(specs)
}

fn number(value: Option<&Value>) -> Option<i64> {
    value?.as_str()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn qos(consumer: &str, specs: &[(&str, &str)]) -> QosSpecs {
        QosSpecs {
            id: "q".into(),
            name: None,
            consumer: Some(consumer.into()),
            specs: specs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), Some((*value).to_owned())))
                .collect(),
        }
    }

    #[test]
    fn limits_per_gib_grow_with_the_volume_between_their_bounds() {
        let specs = [
            ("total_iops_sec_per_gb", "10"),
            ("total_iops_sec_per_gb_min", "50"),
            ("total_iops_sec_max", "300"),
            ("read_bytes_sec", "1000"),
        ];
        for (size, expected) in [(1, 50), (20, 200), (100, 300)] {
            let found = front_end(qos("both", &specs), size).unwrap();
            assert_eq!(found["total_iops_sec"], json!(expected), "{size} GiB");
            assert_eq!(found["read_bytes_sec"], json!("1000"));
            assert_eq!(found.len(), 2);
        }
        assert_eq!(front_end(qos("back-end", &specs), 1), None);
    }
}
