//! What hosts connect to: target ports, their groups, iSCSI portals. Clients only read them.

use serde_json::{Map, Value, json};

use crate::sim::options::SimOptions;
use crate::sim::state::Cluster;
use crate::sim::store::{Id, object};
use crate::sim::version::{Kind, XmsVersion};

/// An iSCSI portal.
#[derive(Debug, Clone)]
pub(crate) struct Portal {
    pub(crate) id: Id,
    pub(crate) port: u16,
    pub(crate) iqn: String,
    pub(crate) target: u64,
}

/// A target port, FC or iSCSI.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) id: Id,
    pub(crate) fc: bool,
    pub(crate) up: bool,
    pub(crate) address: String,
}

/// A group of target ports.
#[derive(Debug, Clone)]
pub(crate) struct TargetGroup {
    pub(crate) id: Id,
}

object!(Portal, Target, TargetGroup);

impl Cluster {
    /// The fixed equipment.
    pub(crate) fn add_ports(&mut self, options: &SimOptions) {
        self.target_groups.add("Default", |id| TargetGroup { id });
        for name in &options.target_groups {
            self.target_groups.add(name, |id| TargetGroup { id });
        }
        for (port, number) in options.fc_targets.iter().zip(1..) {
            // X2 hardware no longer tells the protocol in the name.
            let noun = match options.xms_version {
                XmsVersion::V63 => "target",
                _ => "fc",
            };
            self.targets
                .add(format!("X1-SC1-{noun}{number}"), |id| Target {
                    id,
                    fc: true,
                    up: port.up,
                    address: port.wwpn.clone(),
                });
        }
        for (portal, number) in options.portals.iter().zip(1..) {
            let target = self
                .targets
                .add(format!("X1-SC2-iscsi{number}"), |id| Target {
                    id,
                    fc: false,
                    up: true,
                    address: portal.iqn.clone(),
                });
            self.portals.add(&portal.address, |id| Portal {
                id,
                port: portal.port,
                iqn: portal.iqn.clone(),
                target: target.index,
            });
        }
    }

    pub(crate) fn render_portal(&self, portal: &Portal) -> Map<String, Value> {
        let more = json!({
            "ip-addr": portal.id.name,
            "ip-port": portal.port,
            "port-address": portal.iqn,
            "tar-id": self.targets.oid(portal.target),
            "vlan": 0,
        });
        self.object(Kind::IscsiPortals, &portal.id, more)
    }

    pub(crate) fn render_target(&self, target: &Target) -> Map<String, Value> {
        let more = json!({
            "port-type": if target.fc { "fc" } else { "iscsi" },
            "port-state": if target.up { "up" } else { "down" },
            "port-address": target.address,
            "port-speed": if target.fc { "8GFC" } else { "10GbE" },
            "port-health-level": "level_1_clear",
            "tg-id": self.target_groups.oid(1),
            "mtu": 1500,
            "jumbo-enabled": false,
        });
        self.object(Kind::Targets, &target.id, more)
    }

    pub(crate) fn render_target_group(&self, group: &TargetGroup) -> Map<String, Value> {
        self.common(Kind::TargetGroups, &group.id)
    }
}
