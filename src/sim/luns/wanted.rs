//! What the objects of the array say about disks: which there are and who sees them.

use std::collections::BTreeMap;

use crate::sim::objects::volumes::Volume;
use crate::sim::state::{Cluster, Xms};

/// Index of a cluster and of a volume in it.
pub(crate) type DiskKey = (u64, u64);
/// Index of a cluster and of an initiator group in it.
pub(crate) type GroupKey = (u64, u64);

/// A volume or snapshot, as a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Disk {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    /// Bytes of a block.
    pub(crate) block: u64,
    pub(crate) read_only: bool,
    /// No host may see it (`vol-access` is `no_access`).
    pub(crate) hidden: bool,
    pub(crate) naa: Option<String>,
}

/// What there shall be after a request.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) disks: BTreeMap<DiskKey, Disk>,
    /// By LUN, for each initiator group.
    pub(crate) groups: BTreeMap<GroupKey, BTreeMap<u64, DiskKey>>,
    /// Copies to make, from and to, in this order.
    pub(crate) copies: Vec<(DiskKey, DiskKey)>,
}

impl Wanted {
    /// Reads the array; the copies it noted are taken out of it.
    pub(crate) fn of(xms: &mut Xms) -> Self {
        let mut wanted = Self::default();
        for cluster in &mut xms.clusters {
            let copied = std::mem::take(&mut cluster.copied);
            wanted.add(cluster, copied);
        }
        wanted
    }

    fn add(&mut self, cluster: &Cluster, copied: Vec<(u64, u64)>) {
        let own = cluster.id.index;
        let disks = cluster.volumes.iter();
        self.disks
            .extend(disks.map(|volume| ((own, volume.id.index), disk(volume))));
        let copies = copied.into_iter();
        self.copies
            .extend(copies.map(|(from, to)| ((own, from), (own, to))));
        for group in cluster.initiator_groups.iter() {
            let maps = group.lun_maps.iter();
            let luns = maps
                .filter_map(|map| cluster.lun_maps.get(*map))
                .map(|map| (map.lun, (own, map.volume)))
                .filter(|(_, key)| self.disks.get(key).is_some_and(|disk| !disk.hidden))
                // tgt keeps LUN 0 for itself; arrays only give it when it is asked for.
                .filter(|(lun, _)| *lun != 0)
                .collect();
            self.groups.insert((own, group.id.index), luns);
        }
    }
}

fn disk(volume: &Volume) -> Disk {
    let access = volume.settings.get("vol-access").and_then(|a| a.as_str());
    Disk {
        name: volume.id.name.clone(),
        bytes: volume.size_kb << 10,
        block: volume.lb_size,
        read_only: volume.read_only || access == Some("read_access"),
        hidden: access == Some("no_access"),
        naa: volume.naa.clone(),
    }
}
