//! What this host says of itself to an array: the keys of os-brick's connector that concern
//! iSCSI and FC.

use serde_json::{Map, Value};

use super::command::{Machine, at, names, read};
use crate::config::DataPathOptions;

/// Where open-iscsi keeps this host's IQN.
pub(super) const INITIATOR_FILE: &str = "/etc/iscsi/initiatorname.iscsi";

/// The IQN that open-iscsi uses.
pub(super) fn initiator(machine: &dyn Machine) -> Option<String> {
    let text = std::fs::read_to_string(at(machine, INITIATOR_FILE)).ok()?;
    let name = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("InitiatorName="))?;
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// An FC port of this host that is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hba {
    /// Number of its SCSI host.
    pub(super) host: u32,
    /// WWPN, 16 hexadecimal digits in lower case.
    pub(super) port: String,
    /// WWNN, in the same form.
    pub(super) node: String,
}

/// All of them, by number.
pub(super) fn hbas(machine: &dyn Machine) -> Vec<Hba> {
    let folder = at(machine, "sys/class/fc_host");
    let mut found: Vec<Hba> = names(&folder)
        .iter()
        .filter_map(|name| {
            let dir = folder.join(name);
            let online = read(&dir.join("port_state")).is_some_and(|state| state == "Online");
            online.then_some(())?;
            Some(Hba {
                host: name.strip_prefix("host")?.parse().ok()?,
                port: wwn(&read(&dir.join("port_name"))?),
                node: wwn(&read(&dir.join("node_name"))?),
            })
        })
        .collect();
    found.sort_by_key(|hba| hba.host);
    found
}

/// A world wide name in lower case without `0x` and colons.
pub(super) fn wwn(text: &str) -> String {
    let text = text.trim().to_ascii_lowercase().replace(':', "");
    text.strip_prefix("0x").unwrap_or(&text).to_owned()
}

/// What both data paths say.
pub(super) fn base(options: &DataPathOptions, multipath: bool) -> Map<String, Value> {
    let host = nix::unistd::gethostname().ok();
    let host = host.and_then(|name| name.into_string().ok());
    let mut said = Map::new();
    said.insert("platform".into(), std::env::consts::ARCH.into());
    said.insert("os_type".into(), "linux".into());
    said.insert("ip".into(), options.my_ip.as_str().into());
    said.insert("host".into(), host.into());
    said.insert("multipath".into(), multipath.into());
    let enforce = multipath && options.enforce_multipath;
    said.insert("enforce_multipath".into(), enforce.into());
    said.insert("do_local_attach".into(), false.into());
    said
}
