//! FC: which targets of this host's ports are those of the connection. Looked for in sysfs, for
//! ports that are not below PCI have no links of udev.

use super::Kernel;
use super::nexus::Reach;
use crate::image::command::{at, names, read};
use crate::image::connector::{hbas, wwn};
use crate::image::path::{Attachment, PathError};
use crate::image::portals::{list, lun};

impl Kernel {
    /// Every pair of a port of this host and a target port of the connection that the fabric has
    /// brought together, and `initiator_target_map`, if there is one, allows.
    pub(super) fn fc_reach(&self, attachment: &Attachment) -> Result<Vec<Reach>, PathError> {
        let data = &attachment.data;
        if attachment.driver_volume_type != "fibre_channel" {
            return Err(PathError::unusable(format!(
                "the connection is {}, not fibre_channel",
                attachment.driver_volume_type
            )));
        }
        let mut names_of_targets = list(data, "target_wwns");
        names_of_targets.extend(list(data, "target_wwn"));
        let targets: Vec<String> = names_of_targets.iter().map(|name| wwn(name)).collect();
        if targets.is_empty() {
            return Err(PathError::unusable("the connection names no FC target"));
        }
        let lun = lun(data.get("target_lun"))?;
        let map = data
            .get("initiator_target_map")
            .and_then(|map| map.as_object());
        let machine = self.machine.as_ref();
        let mut found = Vec::new();
        for hba in hbas(machine) {
            let mine = map.map(|map| {
                let entry = map.iter().find(|(initiator, _)| wwn(initiator) == hba.port);
                let entry = entry.map(|(initiator, _)| list(map, initiator));
                let mapped = entry.unwrap_or_default();
                mapped.iter().map(|name| wwn(name)).collect::<Vec<_>>()
            });
            for (port, channel, target) in self.remote_ports(hba.host) {
                let allowed = mine.as_ref().is_none_or(|mine| mine.contains(&port));
                if allowed && targets.contains(&port) {
                    found.push(Self::reach(hba.host, Some((channel, target)), lun));
                }
            }
        }
        if found.is_empty() {
            return Err(PathError::NotFound {
                what: format!("no online FC port of this host sees any of {targets:?}"),
            });
        }
        Ok(found)
    }

    /// WWPN, channel and target number of the ports that a port of this host is logged in to.
    fn remote_ports(&self, host: u32) -> Vec<(String, u32, u32)> {
        let folder = at(self.machine.as_ref(), "sys/class/fc_remote_ports");
        let names = names(&folder).into_iter();
        let ports = names.filter_map(|name| {
            // rport-H:C-N
            let place = name.strip_prefix(&format!("rport-{host}:"))?;
            let channel = place.split('-').next()?.parse().ok()?;
            let port = wwn(&read(&folder.join(&name).join("port_name"))?);
            // -1 for those that are no targets
            let target = read(&folder.join(&name).join("scsi_target_id"))?;
            Some((port, channel, target.parse().ok()?))
        });
        ports.collect()
    }
}
