//! What a Fibre Channel backend has of its own.

use serde_json::{Map, Value};

use super::attach::Host;
use super::{BackendError, Connection, XtremIo};
use crate::xms::{ChapModes, canonical_address};

/// `storage_protocol` in capability reports.
pub(super) const STORAGE_PROTOCOL: &str = "FC";

/// Backend and pool name when `volume_backend_name` is not set: the Python driver's.
pub(super) const DEFAULT_BACKEND_NAME: &str = "XtremIO";

impl XtremIo {
    pub(super) async fn map_fc(
        &self,
        volume: &str,
        host: &Host,
    ) -> Result<Connection, BackendError> {
        let targets = self.xms.targets();
        let up = self.attach.targets.get(targets.fc_up()).await;
        let up = up.map_err(|error| BackendError::of(volume, error))?;
        let targets = allowed(&up, &self.attach.options.ports)?;
        let attached = self.attach_host(volume, host, ChapModes::default()).await?;
        Ok(Connection {
            driver_volume_type: "fibre_channel",
            data: target_data(host, &targets, attached.lun),
        })
    }
}

/// WWPNs, without colons, of the ports that are up and that `xtremio_ports` allows.
fn allowed(up: &[String], ports: &[String]) -> Result<Vec<String>, BackendError> {
    let is_allowed = |wwpn: &&String| {
        let wwpn = canonical_address(wwpn);
        ports.is_empty() || ports.iter().any(|port| canonical_address(port) == wwpn)
    };
    let allowed = up.iter().filter(is_allowed).map(|w| without_colons(w));
    let allowed: Vec<String> = allowed.collect();
    if !allowed.is_empty() {
        return Ok(allowed);
    }
    if up.is_empty() {
        return Err(BackendError::Array {
            reason: "no FC target port of the cluster is up".to_owned(),
            source: None,
        });
    }
    Err(BackendError::Config {
        reason: format!(
            "xtremio_ports allows none of the cluster's FC target ports that are up: it names {}, \
             the ports are {}",
            ports.join(", "),
            up.join(", ")
        ),
    })
}

fn without_colons(wwpn: &str) -> String {
    wwpn.replace(':', "")
}

/// The keys of Cinder's FC connections, with the map from which its zone manager makes zones.
fn target_data(host: &Host, targets: &[String], lun: u64) -> Map<String, Value> {
    let map: Map<String, Value> = host
        .addresses
        .iter()
        .map(|wwpn| (without_colons(wwpn), targets.into()))
        .collect();
    let mut data = Map::new();
    data.insert("target_discovered".into(), false.into());
    data.insert("target_lun".into(), lun.into());
    data.insert("target_wwn".into(), targets.into());
    data.insert("initiator_target_map".into(), map.into());
    data
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn ports_are_compared_in_any_spelling() {
        let up: Vec<String> = ["21:00:00:24:ff:57:b2:36", "21:00:00:24:FF:57:B2:55"]
            .map(str::to_owned)
            .into();
        let of = |port: &str| allowed(&up, &[port.to_owned()]);
        assert_eq!(of("21000024FF57B236").unwrap(), ["21000024ff57b236"]);
        assert_eq!(of("21:00:00:24:ff:57:b2:55").unwrap(), ["21000024FF57B255"]);
        assert_eq!(allowed(&up, &[]).unwrap().len(), 2);
        let error = of("21:00:00:24:ff:57:b2:77").unwrap_err().to_string();
        assert!(error.contains("xtremio_ports"), "{error}");
        assert!(allowed(&[], &[]).is_err());
    }
}
