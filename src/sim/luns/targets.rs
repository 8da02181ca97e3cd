//! Keeps files and tgt's targets as the array's objects say: one target for each initiator
//! group, for tgt shows all LUNs of a target to everyone who may log in to it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use super::daemon::Daemon;
use super::error::LunError;
use super::files::Files;
use super::wanted::{Disk, DiskKey, GroupKey, Wanted};

/// How long commands in flight may hold a LUN that is to go.
const BUSY: Duration = Duration::from_secs(10);

/// A target's LUNs, as tgt has them.
#[derive(Debug)]
struct Target {
    tid: u64,
    luns: BTreeMap<u64, (DiskKey, Disk)>,
}

/// Files and targets as they are.
#[derive(Debug)]
pub(crate) struct Targets {
    files: Files,
    pub(crate) daemon: Daemon,
    disks: BTreeMap<DiskKey, Disk>,
    targets: BTreeMap<GroupKey, Target>,
    last_tid: u64,
}

/// The private name of a group's target.
pub(crate) fn private_iqn((cluster, group): GroupKey) -> String {
    format!("iqn.2008-05.com.xtremio.private:c{cluster}.g{group}")
}

impl Targets {
    pub(crate) fn new(files: Files, daemon: Daemon) -> Self {
        Self {
            files,
            daemon,
            disks: BTreeMap::new(),
            targets: BTreeMap::new(),
            last_tid: 0,
        }
    }

    /// Where the bytes of each disk are.
    pub(crate) fn paths(&self) -> impl Iterator<Item = (DiskKey, &str, PathBuf)> {
        let disks = self.disks.iter();
        disks.map(|(key, disk)| (*key, disk.name.as_str(), self.files.path(*key)))
    }

    /// Whether hosts must not send anything while the change is made.
    pub(crate) fn must_be_still(&self, wanted: &Wanted) -> bool {
        let goes = |(group, target): (&GroupKey, &Target)| {
            let lun = |(lun, had): (&u64, &(DiskKey, Disk))| !stays(wanted, *group, *lun, had);
            target.luns.iter().any(lun)
        };
        !wanted.copies.is_empty() || self.targets.iter().any(goes)
    }

    /// Makes files and targets what they shall be. All of it is tried; the first error.
    pub(crate) fn follow(&mut self, wanted: Wanted) -> Result<(), LunError> {
        let steps = [
            self.remove_luns(&wanted),
            self.change_files(&wanted),
            self.add_luns(&wanted),
        ];
        steps.into_iter().collect()
    }

    /// Ends tgtd; the files stay.
    pub(crate) fn kill(&mut self) -> Result<(), LunError> {
        self.targets.clear();
        self.daemon.kill()
    }

    /// Removes LUNs that are not wanted any more or not as they are, and targets without group.
    fn remove_luns(&mut self, wanted: &Wanted) -> Result<(), LunError> {
        if self.daemon.running().is_none() {
            return Ok(());
        }
        for (group, target) in &mut self.targets {
            let all: Vec<u64> = target.luns.keys().copied().collect();
            for lun in all {
                let had = target.luns.get(&lun);
                if had.is_some_and(|had| !stays(wanted, *group, lun, had)) {
                    delete_lun(&self.daemon, target.tid, lun)?;
                    target.luns.remove(&lun);
                }
            }
        }
        let gone: Vec<GroupKey> = self.targets.keys().copied().collect();
        for group in gone {
            if !wanted.groups.contains_key(&group)
                && let Some(target) = self.targets.remove(&group)
            {
                let tid = target.tid.to_string();
                let delete = [
                    "--mode", "target", "--op", "delete", "--force", "--tid", &tid,
                ];
                self.daemon.admin(&delete)?;
            }
        }
        Ok(())
    }

    fn change_files(&mut self, wanted: &Wanted) -> Result<(), LunError> {
        let known: BTreeSet<DiskKey> = self.disks.keys().copied().collect();
        for (from, to) in &wanted.copies {
            if known.contains(from) && wanted.disks.contains_key(to) {
                self.files.copy(*from, *to)?;
            }
        }
        for (key, disk) in &wanted.disks {
            if self
                .disks
                .get(key)
                .is_none_or(|had| had.bytes != disk.bytes)
            {
                self.files.size(*key, disk)?;
            }
            self.disks.insert(*key, disk.clone());
        }
        for key in known {
            if !wanted.disks.contains_key(&key) {
                self.files.remove(key)?;
                self.disks.remove(&key);
            }
        }
        Ok(())
    }

    fn add_luns(&mut self, wanted: &Wanted) -> Result<(), LunError> {
        if self.daemon.running().is_none() {
            return Ok(());
        }
        for (group, luns) in &wanted.groups {
            if luns.is_empty() {
                continue;
            }
            if !self.targets.contains_key(group) {
                self.last_tid += 1;
                let tid = self.last_tid;
                new_target(&self.daemon, tid, &private_iqn(*group))?;
                let luns = BTreeMap::new();
                self.targets.insert(*group, Target { tid, luns });
            }
            let Some(target) = self.targets.get_mut(group) else {
                continue;
            };
            for (lun, key) in luns {
                let Some(disk) = wanted
                    .disks
                    .get(key)
                    .filter(|_| !target.luns.contains_key(lun))
                else {
                    continue;
                };
                let path = self.files.path(*key);
                new_lun(
                    &self.daemon,
                    target.tid,
                    *lun,
                    &path.to_string_lossy(),
                    disk,
                )?;
                target.luns.insert(*lun, (*key, disk.clone()));
            }
        }
        Ok(())
    }
}

/// Whether a LUN remains as it is. A new name of the volume does not matter.
fn stays(wanted: &Wanted, group: GroupKey, lun: u64, (key, had): &(DiskKey, Disk)) -> bool {
    let same = wanted.groups.get(&group).and_then(|luns| luns.get(&lun)) == Some(key);
    same && wanted.disks.get(key).is_some_and(|disk| {
        (disk.bytes, disk.block, disk.read_only) == (had.bytes, had.block, had.read_only)
    })
}

fn new_target(daemon: &Daemon, tid: u64, iqn: &str) -> Result<(), LunError> {
    let tid = tid.to_string();
    daemon.admin(&["--mode", "target", "--op", "new", "--tid", &tid, "-T", iqn])?;
    // Who may come is decided before: only the front knows the port.
    daemon.admin(&[
        "--mode", "target", "--op", "bind", "--tid", &tid, "-I", "ALL",
    ])?;
    Ok(())
}

fn new_lun(daemon: &Daemon, tid: u64, lun: u64, path: &str, disk: &Disk) -> Result<(), LunError> {
    let (tid, lun, block) = (tid.to_string(), lun.to_string(), disk.block.to_string());
    let unit = [
        "--mode",
        "logicalunit",
        "--tid",
        &tid,
        "--lun",
        &lun,
        "--op",
    ];
    let new: [&str; 5] = ["new", "-b", path, "--blocksize", &block];
    daemon.admin(&[&unit[..], &new[..]].concat())?;
    let naa = disk.naa.as_deref().unwrap_or_default();
    let params = format!(
        "thin_provisioning=1,vendor_id=XtremIO,product_id=XtremApp,product_rev=4050,\
         scsi_sn={naa},scsi_id={naa},readonly={}",
        u8::from(disk.read_only)
    );
    daemon.admin(&[&unit[..], &["update", "--params", &params]].concat())?;
    Ok(())
}

/// tgt keeps a LUN while a command runs on it; no new ones come.
fn delete_lun(daemon: &Daemon, tid: u64, lun: u64) -> Result<(), LunError> {
    let (tid, lun) = (tid.to_string(), lun.to_string());
    let delete = [
        "--mode",
        "logicalunit",
        "--op",
        "delete",
        "--tid",
        &tid,
        "--lun",
        &lun,
    ];
    let end = Instant::now() + BUSY;
    loop {
        match daemon.admin(&delete) {
            Err(LunError::Refused { .. }) if Instant::now() < end => {
                thread::sleep(Duration::from_millis(20));
            }
            other => return other.map(|_| ()),
        }
    }
}
