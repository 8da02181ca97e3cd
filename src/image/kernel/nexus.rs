//! Looking for a LUN: where it may come up, scans of just that, and the wait for its disks.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::scsi::{self, Disk};
use super::session::Session;
use super::{Kernel, WRITE_LIMIT};
use crate::image::command::at;
use crate::image::path::{Attachment, PathError};

/// Between two looks: the kernel tells of new disks by udev only, which not every host runs.
const LOOK: Duration = Duration::from_millis(500);
/// Once one path is there, the others have so long.
const OTHERS: Duration = Duration::from_secs(10);

/// A target on which the LUN may come up, and the numbers that it may have there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reach {
    /// Number of the SCSI host.
    pub(super) host: u32,
    /// Channel and target; nothing before the first unit of an iSCSI session is there.
    pub(super) target: Option<(u32, u32)>,
    /// The likely one first.
    pub(super) luns: Vec<u16>,
}

impl Reach {
    /// `H:C:T:L`, as far as known.
    pub(super) fn addresses(&self) -> Vec<String> {
        let Some((channel, target)) = self.target else {
            return Vec::new();
        };
        let address = |lun| format!("{}:{channel}:{target}:{lun}", self.host);
        self.luns.iter().map(address).collect()
    }

    /// `C T L` for the scan number `round`: the numbers take turns.
    fn scan_text(&self, round: usize) -> String {
        let lun = self.luns[round % self.luns.len()];
        match self.target {
            Some((channel, target)) => format!("{channel} {target} {lun}"),
            None => format!("- - {lun}"),
        }
    }
}

impl Kernel {
    /// Scans and waits until the LUN shows on all targets, or on some and the rest had time.
    /// Reach through iSCSI sessions is found out anew at each look.
    pub(super) async fn hunt(
        &self,
        attachment: &Attachment,
        fixed: &[Reach],
        sessions: &[(Session, u16)],
    ) -> Result<Vec<Disk>, PathError> {
        let reach = || {
            let of_sessions = sessions
                .iter()
                .filter_map(|(s, lun)| self.session_reach(s, *lun));
            let all: Vec<Reach> = fixed.iter().cloned().chain(of_sessions).collect();
            all
        };
        let before = self.refresh(&reach()).await;
        let began = Instant::now();
        let (mut rounds, mut first_seen) = (0, None);
        loop {
            let all = reach();
            let disks = scsi::present(self.machine.as_ref(), attachment.size, &all);
            if !disks.is_empty() && first_seen.is_none() {
                first_seen = Some(Instant::now());
            }
            let complete = disks.len() == all.len() && disks.iter().all(|disk| disk.wwid.is_some());
            let waited = first_seen.is_some_and(|seen| seen.elapsed() >= OTHERS);
            let late = began.elapsed() >= due(rounds) && rounds > self.options.scan_tries;
            if (complete && !disks.is_empty()) || waited || late {
                self.drop_misfits(attachment, &all, &before).await;
                return self.agreed(attachment, disks, &all);
            }
            if rounds <= self.options.scan_tries && began.elapsed() >= due(rounds) {
                self.scan(&all, attachment, rounds).await;
                rounds += 1;
                continue;
            }
            sleep(LOOK).await;
        }
    }

    /// Disks that are there before any scan may be left from another LUN of the same number: the
    /// kernel keeps size and name from back then. Returns them.
    async fn refresh(&self, reach: &[Reach]) -> Vec<Disk> {
        let machine = self.machine.as_ref();
        let mut found = Vec::new();
        for address in reach.iter().flat_map(Reach::addresses) {
            let Some(disk) = scsi::disk(machine, &address) else {
                continue;
            };
            if let Err(error) = self.rescan(&disk).await {
                tracing::warn!(%error, "a disk from earlier");
            }
            found.push(disk);
        }
        found
    }

    async fn scan(&self, all: &[Reach], attachment: &Attachment, round: u32) {
        let machine = self.machine.as_ref();
        for reach in all {
            let one = std::slice::from_ref(reach);
            if !scsi::present(machine, attachment.size, one).is_empty() {
                continue;
            }
            let path = at(
                machine,
                &format!("sys/class/scsi_host/host{}/scan", reach.host),
            );
            let text = reach.scan_text(usize::try_from(round).unwrap_or(0));
            if let Err(error) = machine.write(&path, &text, WRITE_LIMIT).await {
                tracing::warn!(host = reach.host, %text, %error, "a scan failed");
            }
        }
    }

    /// A wrong number can bring up a unit that is no LUN of ours. What was there before our scans
    /// is somebody's.
    async fn drop_misfits(&self, attachment: &Attachment, all: &[Reach], before: &[Disk]) {
        let encoded: Vec<Reach> = all
            .iter()
            .filter(|reach| reach.luns.len() > 1)
            .cloned()
            .collect();
        for disk in scsi::misfits(self.machine.as_ref(), attachment.size, &encoded) {
            if before.iter().any(|other| other.address == disk.address) {
                continue;
            }
            if let Err(error) = self.delete(&disk.name).await {
                tracing::warn!(%error, disk = disk.name, "a unit that is not the LUN");
            }
        }
    }

    /// All paths must show one and the same LUN.
    fn agreed(
        &self,
        attachment: &Attachment,
        disks: Vec<Disk>,
        all: &[Reach],
    ) -> Result<Vec<Disk>, PathError> {
        let mut wwids: Vec<&String> = disks.iter().filter_map(|d| d.wwid.as_ref()).collect();
        wwids.sort();
        wwids.dedup();
        if wwids.len() > 1 {
            return Err(PathError::NotFound {
                what: format!("the paths show different LUNs: {wwids:?}"),
            });
        }
        if disks.is_empty() {
            let small = scsi::misfits(self.machine.as_ref(), attachment.size, all);
            return Err(PathError::NotFound {
                what: format!(
                    "no disk of {} bytes came up on any of {} targets ({} smaller ones there)",
                    attachment.size,
                    all.len(),
                    small.len()
                ),
            });
        }
        Ok(disks)
    }
}

/// When a scan is due, after the begin of the search: at once, then after 4, 9, 16, ... seconds.
fn due(round: u32) -> Duration {
    match round {
        0 => Duration::ZERO,
        n => Duration::from_secs(u64::from(n + 1) * u64::from(n + 1)),
    }
}
