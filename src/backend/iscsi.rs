//! What an iSCSI backend has of its own.

use std::net::IpAddr;

use serde_json::{Map, Value};

use super::attach::Host;
use super::{BackendError, Connection, XtremIo, chap};
use crate::xms::IscsiPortal;

/// `storage_protocol` in capability reports.
pub(super) const STORAGE_PROTOCOL: &str = "iSCSI";

/// Backend and pool name when `volume_backend_name` is not set: the Python driver's.
pub(super) const DEFAULT_BACKEND_NAME: &str = "XtremIO_ISCSI";

impl XtremIo {
    pub(super) async fn map_iscsi(
        &self,
        volume: &str,
        host: &Host,
    ) -> Result<Connection, BackendError> {
        let failed = |error| BackendError::of(volume, error);
        let clusters = self.xms.clusters();
        let modes = self.attach.chap.get(clusters.chap_modes()).await;
        let modes = *modes.map_err(failed)?;
        let all = self.xms.iscsi_portals();
        let all = self.attach.portals.get(all.all()).await.map_err(failed)?;
        let portals = allowed(&all, &self.attach.options.ports)?;
        let attached = self.attach_host(volume, host, modes).await?;
        let mut data = portal_data(volume, &portals, attached.lun);
        if let Some(member) = attached.known.members.first() {
            let (login, discovery) = (member.login.as_ref(), member.discovery.as_ref());
            chap::tell(&mut data, modes, login, discovery);
        }
        Ok(Connection {
            driver_volume_type: "iscsi",
            data,
        })
    }
}

/// The portals that `xtremio_ports` allows, in the array's order.
fn allowed<'a>(
    all: &'a [IscsiPortal],
    ports: &[String],
) -> Result<Vec<&'a IscsiPortal>, BackendError> {
    let is_allowed = |portal: &&IscsiPortal| {
        ports.is_empty() || ports.iter().any(|p| same_host(p, portal.address()))
    };
    let allowed: Vec<&IscsiPortal> = all.iter().filter(is_allowed).collect();
    if !allowed.is_empty() {
        return Ok(allowed);
    }
    if all.is_empty() {
        return Err(BackendError::Array {
            reason: "the cluster has no iSCSI portals".to_owned(),
            source: None,
        });
    }
    let addresses: Vec<&str> = all.iter().map(IscsiPortal::address).collect();
    Err(BackendError::Config {
        reason: format!(
            "xtremio_ports allows none of the cluster's iSCSI portals: it names {}, the portals \
             are {}",
            ports.join(", "),
            addresses.join(", ")
        ),
    })
}

/// Whether two texts mean one address; IPv6 has many ways to write the same.
fn same_host(one: &str, other: &str) -> bool {
    let value = |text: &str| {
        let bare = text.trim().trim_start_matches('[').trim_end_matches(']');
        bare.parse::<IpAddr>()
            .map_err(|_| bare.to_ascii_lowercase())
    };
    value(one) == value(other)
}

/// Address and port as `host:port`, IPv6 in brackets.
fn portal_text(portal: &IscsiPortal) -> String {
    let (address, port) = (portal.address(), portal.ip_port.0);
    if address.contains(':') {
        format!("[{address}]:{port}")
    } else {
        format!("{address}:{port}")
    }
}

/// The keys of Cinder's iSCSI connections. Hosts without multipath use the main portal only: it
/// differs from volume to volume, to spread the load, and is the same when one volume is attached
/// again.
fn portal_data(volume: &str, portals: &[&IscsiPortal], lun: u64) -> Map<String, Value> {
    let mut data = Map::new();
    data.insert("target_discovered".into(), false.into());
    if let Some(main) = portals.get(spread(volume, portals.len())) {
        data.insert("target_iqn".into(), main.iqn.as_str().into());
        data.insert("target_portal".into(), portal_text(main).into());
    }
    data.insert("target_lun".into(), lun.into());
    let iqns: Vec<&str> = portals.iter().map(|portal| portal.iqn.as_str()).collect();
    data.insert("target_iqns".into(), iqns.into());
    let texts: Vec<String> = portals.iter().map(|portal| portal_text(portal)).collect();
    data.insert("target_portals".into(), texts.into());
    data.insert("target_luns".into(), vec![lun; portals.len()].into());
    data
}

/// One of `many`, by name (FNV-1a: even, and the same in every process).
fn spread(name: &str, many: usize) -> usize {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    usize::try_from(hash >> 33).unwrap_or(0) % many.max(1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn portal(address: &str) -> IscsiPortal {
        let json = serde_json::json!({"ip-addr": address, "ip-port": 3260,
            "port-address": format!("iqn.of:{address}")});
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn ports_are_compared_by_value() {
        let all = [portal("10.0.0.5/16"), portal("FD00:1::5/64")];
        let of = |port: &str| allowed(&all, &[port.to_owned()]).map(|p| p[0].clone());
        assert_eq!(of("10.0.0.5").unwrap(), all[0]);
        assert_eq!(of("fd00:0001:0:0::5").unwrap(), all[1]);
        assert_eq!(of("[fd00:1::5]").unwrap(), all[1]);
        let error = of("10.0.0.50").unwrap_err().to_string();
        assert!(
            error.contains("xtremio_ports") && error.contains("10.0.0.5, FD00:1::5"),
            "{error}"
        );
        assert_eq!(allowed(&all, &[]).unwrap().len(), 2);
        assert!(allowed(&[], &[]).is_err());
    }

    #[test]
    fn the_main_portal_is_spread_and_stable() {
        let all = [portal("10.0.0.5/16"), portal("fd00:1::6/64")];
        let portals: Vec<&IscsiPortal> = all.iter().collect();
        let mains =
            |n: u32| portal_data(&format!("volume-{n}"), &portals, 7)["target_portal"].clone();
        let first = (0..1000).filter(|n| mains(*n) == "10.0.0.5:3260").count();
        assert!((400..600).contains(&first), "{first}");
        assert_eq!(mains(1), mains(1));
        let data = portal_data("v", &portals, 7);
        assert_eq!(
            data["target_portals"],
            serde_json::json!(["10.0.0.5:3260", "[fd00:1::6]:3260"])
        );
        assert_eq!(data["target_luns"], serde_json::json!([7, 7]));
    }
}
