//! Disks as the kernel shows them in sysfs.

use std::path::PathBuf;

use super::nexus::Reach;
use super::{Kernel, WRITE_LIMIT};
use crate::image::command::{Machine, at, names, read};
use crate::image::path::PathError;

/// Bytes in one of the blocks that sysfs counts, whatever the disk's own are.
const SECTOR: u64 = 512;

/// One path to a LUN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Disk {
    /// `sda`
    pub(super) name: String,
    /// `H:C:T:L`
    pub(super) address: String,
    /// As udev and multipath spell it; nothing while the kernel does not know it.
    pub(super) wwid: Option<String>,
}

/// The spelling of udev and multipath of what the kernel shows.
pub(super) fn udev_wwid(kernel: &str) -> String {
    let kinds = [("naa.", '3'), ("eui.", '2'), ("t10.", '1')];
    for (prefix, kind) in kinds {
        if let Some(rest) = kernel.strip_prefix(prefix) {
            return format!("{kind}{rest}");
        }
    }
    format!("8{kernel}")
}

/// Size of a block device, bytes.
pub(super) fn size(machine: &dyn Machine, name: &str) -> Option<u64> {
    let text = read(&at(machine, &format!("sys/block/{name}/size")))?;
    text.parse::<u64>().ok()?.checked_mul(SECTOR)
}

/// Folder of a unit.
pub(super) fn unit(machine: &dyn Machine, address: &str) -> PathBuf {
    at(machine, &format!("sys/class/scsi_device/{address}/device"))
}

/// The disk at an address, if there is one.
pub(super) fn disk(machine: &dyn Machine, address: &str) -> Option<Disk> {
    let dir = unit(machine, address);
    let name = names(&dir.join("block")).into_iter().next()?;
    Some(Disk {
        wwid: read(&dir.join("wwid")).map(|text| udev_wwid(&text)),
        address: address.to_owned(),
        name,
    })
}

/// The disks of one LUN. On each target the first number counts under which a disk of that size
/// at least is found: under the other may be another LUN.
pub(super) fn present(machine: &dyn Machine, least: u64, reach: &[Reach]) -> Vec<Disk> {
    let mut found: Vec<Disk> = Vec::new();
    for reach in reach {
        let fits = reach.addresses().into_iter().find_map(|address| {
            disk(machine, &address).filter(|disk| size(machine, &disk.name) >= Some(least))
        });
        if let Some(disk) = fits.filter(|disk| !found.contains(disk)) {
            found.push(disk);
        }
    }
    found
}

/// Disks at any of the numbers that cannot be the LUN: too small.
pub(super) fn misfits(machine: &dyn Machine, least: u64, reach: &[Reach]) -> Vec<Disk> {
    let all = reach.iter().flat_map(Reach::addresses);
    all.filter_map(|address| disk(machine, &address))
        .filter(|disk| size(machine, &disk.name) < Some(least))
        .collect()
}

impl Kernel {
    /// Has the kernel look at size and name of a disk again.
    pub(super) async fn rescan(&self, disk: &Disk) -> Result<(), PathError> {
        let path = unit(self.machine.as_ref(), &disk.address).join("rescan");
        let written = self.machine.write(&path, "1", WRITE_LIMIT).await;
        written.map_err(PathError::io(format!("rescanning {}", disk.address)))
    }
}

#[cfg(test)]
mod tests {
    use super::udev_wwid;

    #[test]
    fn names_as_udev_spells_them() {
        for (kernel, udev) in [
            ("naa.514f0c5a", "3514f0c5a"),
            ("eui.0025", "20025"),
            ("t10.ATA x", "1ATA x"),
            ("other", "8other"),
        ] {
            assert_eq!(udev_wwid(kernel), udev);
        }
    }
}
