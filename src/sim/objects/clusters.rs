//! The cluster and the XMS itself. Clients only read them.

use serde_json::{Map, Value, json};

use crate::sim::state::{Cluster, Xms, now};
use crate::sim::version::{Kind, XmsVersion};

impl Cluster {
    pub(crate) fn render_cluster(&self) -> Map<String, Value> {
        let provisioned: u64 = self.volumes.iter().map(|v| v.size_kb).sum();
        let written: u64 = self.volumes.iter().map(|v| v.written_kb).sum();
        let used = written.min(self.capacity_kb);
        let mut more = json!({
            "sys-sw-version": self.version.software(),
            "sys-psnt-serial-number": format!("XIO00{:09}", self.id.index),
            "sys-health-state": "healthy",
            "sys-state": "active",
            "ud-ssd-space": self.capacity_kb.to_string(),
            "ud-ssd-space-in-use": used.to_string(),
            "vol-size": provisioned.to_string(),
            "logical-space-in-use": written.to_string(),
            "num-of-vols": self.volumes.len(),
            "num-of-bricks": 1,
            "num-of-ssds": 25,
            "num-of-xenvs": 4,
            "size-and-capacity": format!("1 Bricks & {}TB", self.capacity_kb >> 30),
            "chap-authentication-mode": self.chap_login.wire(),
            "chap-discovery-mode": self.chap_discovery.wire(),
            "space-saving-ratio": 1.0,
            "thin-provisioning-ratio": 1.0,
            "dedup-ratio": 1.0,
            "consistency-state": "healthy",
        });
        if self.version >= XmsVersion::V40 {
            more["free-ud-ssd-space"] = json!((self.capacity_kb - used).to_string());
            more["free-ud-ssd-space-level"] = json!("normal");
            more["compression-mode"] = json!("enabled");
        } else {
            more["max-snapshots-per-volume"] = json!(self.limits.snapshots_per_volume);
        }
        self.object(Kind::Clusters, &self.id, more)
    }
}

pub(crate) fn render_xms(xms: &Xms) -> Map<String, Value> {
    let groups: usize = xms.clusters.iter().map(|c| c.initiator_groups.len()).sum();
    let object = json!({
        "name": xms.id.name,
        "index": xms.id.index,
        "guid": xms.id.guid,
        "xms-id": xms.id.oid(),
        "version": xms.version.software(),
        "sw-version": xms.version.software(),
        "restapi-protocol-version": xms.version.rest(),
        "num-of-systems": xms.clusters.len(),
        "num-of-igs": groups,
        "datetime": now(),
        "server-name": "xms",
        "obj-severity": "information",
    });
    match object {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}
