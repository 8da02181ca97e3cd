//! Taking disks away so that nothing written is lost and nothing is left.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::multipath::Map;
use super::scsi::Disk;
use super::{Kernel, LIMIT, WRITE_LIMIT};
use crate::image::command::{Call, accept, at, run};
use crate::image::path::PathError;

/// How long the flush of a map or disk may take.
const FLUSHING: Duration = Duration::from_secs(300);
/// Tries of what others can be in the way of, and the pause between them.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(3);
/// How long a disk may take to go.
const GOING: Duration = Duration::from_secs(30);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(200);

impl Kernel {
    /// Takes the map of the disks away, and the disks. Without force a flush that fails stops it:
    /// what was written may not be on the array. With force all that can be done is done, and the
    /// first error is returned at the end.
    pub(super) async fn remove(&self, disks: &[Disk], force: bool) -> Result<(), PathError> {
        let map = self.map_of(disks);
        let mut first = Ok(());
        let flushed = match (&map, disks.first()) {
            (Some(map), _) => self.flush_map(map, force).await,
            (None, Some(disk)) => self.flush(&disk.name).await,
            (None, None) => Ok(()),
        };
        if flushed.is_err() && !force {
            return flushed;
        }
        let map_stays = flushed.is_err();
        if let Err(error) = &flushed {
            tracing::warn!(%error, "given up by force");
        }
        for disk in disks {
            let deleted = self.delete(&disk.name).await;
            if deleted.is_err() && !force {
                return deleted;
            }
            first = first.and(deleted);
        }
        if let Some(map) = &map {
            self.forget_paths(disks).await?;
            if map_stays {
                first = first.and(self.delete_map(map).await);
            }
        }
        first
    }

    async fn flush(&self, name: &str) -> Result<(), PathError> {
        let device = format!("/dev/{name}");
        let call = Call::new("blockdev", &["--flushbufs", &device], FLUSHING);
        accept(self.machine.as_ref(), &call, &[0]).await.map(drop)
    }

    async fn flush_map(&self, map: &Map, force: bool) -> Result<(), PathError> {
        let call = Call::new("multipath", &["-f", &map.name], FLUSHING);
        // under force it has no second chance: its paths are likely dead
        let tries = if force { 1 } else { TRIES };
        let mut tried = 1;
        loop {
            match accept(self.machine.as_ref(), &call, &[0]).await {
                Ok(_) => return Ok(()),
                Err(error) if tried == tries => return Err(error),
                Err(_) => sleep(PAUSE).await,
            }
            tried += 1;
        }
    }

    /// Has the kernel forget a disk, and waits until it has.
    pub(super) async fn delete(&self, name: &str) -> Result<(), PathError> {
        let machine = self.machine.as_ref();
        let disk = at(machine, &format!("sys/block/{name}"));
        let written = machine
            .write(&disk.join("device/delete"), "1", WRITE_LIMIT)
            .await;
        match written {
            // gone already
            Err(_) if !disk.exists() => return Ok(()),
            written => written.map_err(PathError::io(format!("removing {name}")))?,
        }
        let began = Instant::now();
        while disk.exists() {
            if began.elapsed() >= GOING {
                return Err(PathError::Left {
                    what: format!("disk {name} does not go"),
                });
            }
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// Waits until multipathd has seen that the disks are gone; else tells it.
    async fn forget_paths(&self, disks: &[Disk]) -> Result<(), PathError> {
        let machine = self.machine.as_ref();
        let show = Call::new(
            "multipathd",
            &["show", "paths", "raw", "format", "%d"],
            LIMIT,
        );
        for disk in disks {
            let mut tries = 1;
            loop {
                let shown = run(machine, &show).await?.stdout;
                if !shown.lines().any(|line| line.trim() == disk.name) {
                    break;
                }
                if tries == TRIES {
                    let device = format!("/dev/{}", disk.name);
                    let args = ["del", "path", device.as_str()];
                    run(machine, &Call::new("multipathd", &args, LIMIT)).await?;
                    break;
                }
                sleep(Duration::from_secs(1)).await;
                tries += 1;
            }
        }
        Ok(())
    }

    async fn delete_map(&self, map: &Map) -> Result<(), PathError> {
        let machine = self.machine.as_ref();
        let gone = at(machine, &format!("sys/block/{}", map.device));
        for _ in 0..TRIES {
            if !gone.exists() {
                return Ok(());
            }
            let args = ["del", "map", map.name.as_str()];
            run(machine, &Call::new("multipathd", &args, LIMIT)).await?;
            if !gone.exists() {
                return Ok(());
            }
            sleep(Duration::from_secs(1)).await;
        }
        Err(PathError::Left {
            what: format!("multipath map {}", map.name),
        })
    }
}
