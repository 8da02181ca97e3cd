//! Maps of multipath: found by what holds a disk, made by asking multipathd.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::scsi::Disk;
use super::{Kernel, LIMIT};
use crate::image::command::{Call, accept, at, failed, names, read, run};
use crate::image::path::PathError;

/// How long multipathd may take to make a map.
const MAKING: Duration = Duration::from_secs(10);
/// How long it may answer `timeout` when it is to resize one.
const RESIZING: Duration = Duration::from_secs(120);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);

/// A map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Map {
    /// `dm-0`
    pub(super) device: String,
    /// By which multipath knows it.
    pub(super) name: String,
}

impl Kernel {
    /// Whether maps are to be used.
    pub(super) async fn multipath(&self) -> Result<bool, PathError> {
        if !self.options.multipath {
            return Ok(false);
        }
        let call = Call::new("multipathd", &["show", "status"], LIMIT);
        let running = match run(self.machine.as_ref(), &call).await {
            Ok(output) => output.code == 0 && !output.stdout.starts_with("error receiving packet"),
            Err(_) => false,
        };
        if !running && self.options.enforce_multipath {
            return Err(PathError::unusable(
                "multipathd does not run, and enforce_multipath_for_image_xfer is set",
            ));
        }
        if !running {
            tracing::warn!("multipathd does not run: one path is used");
        }
        Ok(running)
    }

    /// The multipath map that holds any of the disks.
    pub(super) fn map_of(&self, disks: &[Disk]) -> Option<Map> {
        let machine = self.machine.as_ref();
        disks.iter().find_map(|disk| {
            let holders = names(&at(machine, &format!("sys/block/{}/holders", disk.name)));
            holders.into_iter().find_map(|device| {
                let dm = at(machine, &format!("sys/block/{device}/dm"));
                let uuid = read(&dm.join("uuid"))?;
                uuid.starts_with("mpath-").then_some(())?;
                let name = read(&dm.join("name"))?;
                Some(Map { device, name })
            })
        })
    }

    /// The map of the disks, made if there is none; nothing if multipathd makes none.
    pub(super) async fn gather_map(&self, disks: &[Disk]) -> Result<Option<Map>, PathError> {
        let machine = self.machine.as_ref();
        if self.map_of(disks).is_none() {
            if let Some(wwid) = disks.iter().find_map(|disk| disk.wwid.as_deref()) {
                run(machine, &Call::new("multipath", &["-a", wwid], LIMIT)).await?;
            }
            for disk in disks {
                let device = format!("/dev/{}", disk.name);
                let args = ["add", "path", device.as_str()];
                run(machine, &Call::new("multipathd", &args, LIMIT)).await?;
            }
        }
        let began = Instant::now();
        let map = loop {
            if let Some(map) = self.map_of(disks) {
                break map;
            }
            if began.elapsed() >= MAKING {
                tracing::warn!("multipathd made no map: one path is used");
                return Ok(None);
            }
            sleep(LOOK).await;
        };
        self.check_map(&map, disks)?;
        self.await_ready(&map).await?;
        Ok(Some(map))
    }

    /// A map of another LUN on our disks would be one from earlier.
    fn check_map(&self, map: &Map, disks: &[Disk]) -> Result<(), PathError> {
        let path = format!("sys/block/{}/dm/uuid", map.device);
        let uuid = read(&at(self.machine.as_ref(), &path)).unwrap_or_default();
        let of = uuid.strip_prefix("mpath-").unwrap_or_default();
        match disks.iter().find_map(|disk| disk.wwid.as_deref()) {
            Some(wwid) if wwid != of => Err(PathError::NotFound {
                what: format!("map {} is of LUN {of}, not of {wwid}", map.name),
            }),
            _ => Ok(()),
        }
    }

    /// Waits until a path of the map can be used.
    async fn await_ready(&self, map: &Map) -> Result<(), PathError> {
        let call = Call::new("multipath", &["-C", &map.device], LIMIT);
        let mut pause = self.options.mpath_interval;
        let mut tries = 1;
        loop {
            let checked = accept(self.machine.as_ref(), &call, &[0]).await;
            match checked {
                Ok(_) => return Ok(()),
                Err(error) if tries >= self.options.mpath_attempts => return Err(error),
                Err(_) => pause *= 2,
            }
            sleep(pause).await;
            tries += 1;
        }
    }

    /// Has the map take the size of its disks.
    pub(super) async fn resize(&self, map: &Map) -> Result<(), PathError> {
        let machine = self.machine.as_ref();
        accept(
            machine,
            &Call::new("multipathd", &["reconfigure"], LIMIT),
            &[0],
        )
        .await?;
        let call = Call::new("multipathd", &["resize", "map", &map.device], LIMIT);
        let began = Instant::now();
        loop {
            let output = run(machine, &call).await?;
            let said = format!("{} {}", output.stdout, output.stderr);
            if said.contains("timeout") && began.elapsed() < RESIZING {
                sleep(Duration::from_secs(1)).await;
            } else if output.code != 0 || said.contains("fail") || said.contains("timeout") {
                return Err(failed(&call, &output));
            } else {
                return Ok(());
            }
        }
    }
}
