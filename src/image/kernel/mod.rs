//! The way to a LUN through the kernel: open-iscsi or FC, and multipath where it is wanted. What
//! it does to the host is what os-brick does, under os-brick's locks: Nova may be its neighbour.

mod fc;
mod iscsi;
mod locks;
mod multipath;
mod nexus;
mod remove;
mod scsi;
mod session;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::command::{Call, Machine, accept};
use super::connector::{INITIATOR_FILE, base, hbas, initiator};
use super::path::{Attachment, DataPath, PathError, Place};
use super::portals::encodings;
use crate::config::{DataPathOptions, Protocol};
use nexus::Reach;
use scsi::Disk;

/// Longest time one program may take, unless said otherwise: a login to a portal that is dead
/// ends after two minutes.
const LIMIT: Duration = Duration::from_secs(150);
/// Longest time a write to a file of the kernel may take: a scan waits for the unit's answer.
const WRITE_LIMIT: Duration = Duration::from_secs(60);
/// Longest time a block may take to be read.
const READ_LIMIT: Duration = Duration::from_secs(60);

/// The kernel path of one backend.
#[derive(Debug)]
pub struct Kernel {
    options: DataPathOptions,
    protocol: Protocol,
    machine: Arc<dyn Machine>,
}

impl Kernel {
    /// Asks nobody yet.
    pub fn new(options: DataPathOptions, protocol: Protocol, machine: Arc<dyn Machine>) -> Self {
        Self {
            options,
            protocol,
            machine,
        }
    }

    async fn attach(&self, attachment: &Attachment) -> Result<Place, PathError> {
        let multipath = self.multipath().await?;
        let disks = match self.protocol {
            Protocol::Iscsi => self.find_iscsi(attachment, multipath).await?,
            Protocol::FibreChannel => {
                let reach = self.fc_reach(attachment)?;
                self.hunt(attachment, &reach, &[]).await?
            }
        };
        let Some(first) = disks.first() else {
            return Err(PathError::NotFound {
                what: "no device of the LUN came up".to_owned(),
            });
        };
        let map = if multipath {
            self.gather_map(&disks).await?
        } else {
            // multipathd may have taken it all the same
            self.map_of(&disks)
        };
        let name = match &map {
            Some(map) => map.device.clone(),
            None => first.name.clone(),
        };
        self.check_readable(&name).await?;
        Ok(Place::Device(format!("/dev/{name}").into()))
    }

    /// Gives everything up that shows the LUN.
    async fn detach(&self, attachment: &Attachment, force: bool) -> Result<(), PathError> {
        match self.protocol {
            Protocol::Iscsi => self.detach_iscsi(attachment, force).await,
            Protocol::FibreChannel => {
                let reach = match self.fc_reach(attachment) {
                    // the kernel takes the disks of ports that are gone away by itself
                    Err(PathError::NotFound { .. }) => Vec::new(),
                    reach => reach?,
                };
                self.remove(&self.left_of(attachment, &reach), force).await
            }
        }
    }

    /// The disks of the LUN that are there.
    fn present(&self, attachment: &Attachment, reach: &[Reach]) -> Vec<Disk> {
        scsi::present(self.machine.as_ref(), attachment.size, reach)
    }

    /// The disks to take away: those, and where none fits, whatever stands at the number.
    fn left_of(&self, attachment: &Attachment, reach: &[Reach]) -> Vec<Disk> {
        let machine = self.machine.as_ref();
        let disks = reach.iter().flat_map(|reach| {
            let one = std::slice::from_ref(reach);
            match scsi::present(machine, attachment.size, one) {
                none if none.is_empty() => {
                    // under the unlikely number may be somebody else's
                    let mut likely = reach.clone();
                    likely.luns.truncate(1);
                    scsi::present(machine, 0, &[likely])
                }
                fitting => fitting,
            }
        });
        disks.collect()
    }

    /// Whether the first block can be read.
    async fn check_readable(&self, name: &str) -> Result<(), PathError> {
        let device = format!("if=/dev/{name}");
        let args = [&device, "of=/dev/null", "bs=4096", "count=1"];
        let call = Call::new("dd", &args, READ_LIMIT);
        accept(self.machine.as_ref(), &call, &[0]).await.map(drop)
    }

    async fn rescan_sizes(&self, attachment: &Attachment) -> Result<u64, PathError> {
        let reach = match self.protocol {
            Protocol::Iscsi => self.iscsi_reach(attachment).await?,
            Protocol::FibreChannel => self.fc_reach(attachment)?,
        };
        let disks = self.present(
            &Attachment {
                size: 0,
                ..attachment.clone()
            },
            &reach,
        );
        if disks.is_empty() {
            return Err(PathError::NotFound {
                what: "no device of the LUN is open".to_owned(),
            });
        }
        for disk in &disks {
            self.check_readable(&disk.name).await?;
        }
        for disk in &disks {
            self.rescan(disk).await?;
        }
        let mut sizes: Vec<u64> = Vec::new();
        for disk in &disks {
            sizes.push(scsi::size(self.machine.as_ref(), &disk.name).unwrap_or(0));
        }
        if let Some(map) = self.map_of(&disks) {
            self.resize(&map).await?;
            sizes.push(scsi::size(self.machine.as_ref(), &map.device).unwrap_or(0));
        }
        let least = sizes.iter().copied().min().unwrap_or(0);
        if least < attachment.size {
            return Err(PathError::NotFound {
                what: format!(
                    "the LUN shows {least} of {} bytes after a rescan",
                    attachment.size
                ),
            });
        }
        Ok(least)
    }

    /// Both numbers of a LUN on one target.
    fn reach(host: u32, target: Option<(u32, u32)>, lun: u16) -> Reach {
        Reach {
            host,
            target,
            luns: encodings(lun),
        }
    }
}

#[async_trait]
impl DataPath for Kernel {
    async fn connector(&self) -> Result<Map<String, Value>, PathError> {
        let machine = self.machine.as_ref();
        let mut said = base(&self.options, self.options.multipath);
        let name = initiator(machine);
        let ports = hbas(machine);
        if self.protocol == Protocol::Iscsi && name.is_none() {
            return Err(PathError::unusable(format!(
                "this host has no iSCSI name in {INITIATOR_FILE}"
            )));
        }
        if self.protocol == Protocol::FibreChannel && ports.is_empty() {
            return Err(PathError::unusable("no FC port of this host is online"));
        }
        if let Some(name) = name {
            said.insert("initiator".into(), name.into());
        }
        if !ports.is_empty() {
            let wwpns: Vec<_> = ports.iter().map(|hba| hba.port.clone()).collect();
            let wwnns: Vec<_> = ports.iter().map(|hba| hba.node.clone()).collect();
            said.insert("wwpns".into(), wwpns.into());
            said.insert("wwnns".into(), wwnns.into());
        }
        Ok(said)
    }

    async fn open(&self, attachment: &Attachment) -> Result<Place, PathError> {
        let _lock = self.lock("connect_volume").await?;
        let opened = self.attach(attachment).await;
        if opened.is_err()
            && let Err(error) = self.detach(attachment, true).await
        {
            tracing::warn!(%error, "after a failed attach");
        }
        opened
    }

    async fn close(&self, attachment: &Attachment, force: bool) -> Result<(), PathError> {
        let _lock = self.lock("connect_volume").await?;
        self.detach(attachment, force).await
    }

    async fn extend(&self, attachment: &Attachment) -> Result<u64, PathError> {
        let _lock = self.lock("extend_volume").await?;
        self.rescan_sizes(attachment).await
    }
}
