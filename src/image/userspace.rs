//! The way to a LUN without the kernel: qemu-img speaks iSCSI itself. It needs no root and leaves
//! nothing on the host, but has one portal for the whole of a copy, and no FC.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::command::Machine;
use super::connector::{INITIATOR_FILE, base, initiator};
use super::error::ImageError;
use super::path::{Attachment, DataPath, IscsiLun, PathError, Place};
use super::portals::{Portal, chap, encodings, portals};
use super::qemu::Qemu;
use crate::config::DataPathOptions;

/// How long one portal may take to show a LUN.
const PROBE_LIMIT: Duration = Duration::from_secs(30);

/// Looks at a LUN before it is used.
#[async_trait]
pub trait Probe: Send + Sync + fmt::Debug {
    /// Its size, bytes; 0 is what targets show of units that are none.
    ///
    /// # Errors
    /// When the portal does not answer, refuses the login, or has no such LUN.
    async fn size(&self, lun: &IscsiLun) -> Result<u64, ImageError>;
}

#[async_trait]
impl Probe for Qemu {
    async fn size(&self, lun: &IscsiLun) -> Result<u64, ImageError> {
        self.size_of(&Place::Iscsi(lun.clone())).await
    }
}

/// The userspace path of one backend.
#[derive(Debug)]
pub struct Userspace {
    options: DataPathOptions,
    machine: Arc<dyn Machine>,
    probe: Arc<dyn Probe>,
    limit: Duration,
}

impl Userspace {
    /// Asks nobody yet.
    pub fn new(options: DataPathOptions, machine: Arc<dyn Machine>, probe: Arc<dyn Probe>) -> Self {
        Self {
            options,
            machine,
            probe,
            limit: PROBE_LIMIT,
        }
    }

    /// Gives a portal so long instead of 30 seconds.
    #[must_use]
    pub fn portal_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    fn initiator(&self) -> Result<String, PathError> {
        let named = self.options.initiator_name.clone();
        named
            .or_else(|| initiator(self.machine.as_ref()))
            .ok_or_else(|| {
                PathError::unusable(format!(
                    "this host has no iSCSI name: neither iscsi_initiator_name nor {INITIATOR_FILE}"
                ))
            })
    }

    /// The first portal that shows the LUN in the size it must have.
    async fn find(&self, attachment: &Attachment) -> Result<IscsiLun, PathError> {
        let (initiator, chap) = (self.initiator()?, chap(&attachment.data)?);
        let mut seen = Vec::new();
        for portal in portals(attachment)? {
            for number in encodings(portal.lun) {
                let lun = IscsiLun {
                    portal: portal.address.clone(),
                    target: portal.target.clone(),
                    lun: number,
                    initiator: initiator.clone(),
                    chap: chap.clone(),
                };
                match self.look(&lun).await {
                    Ok(size) if size >= attachment.size => return Ok(lun),
                    Ok(size) => seen.push(note(
                        &portal,
                        number,
                        &format!("{size} of {} bytes", attachment.size),
                    )),
                    Err(reason) => seen.push(note(&portal, number, &reason)),
                }
            }
        }
        Err(PathError::NotFound {
            what: format!("no portal shows the LUN: {}", seen.join("; ")),
        })
    }

    /// Its size, or why it has none.
    async fn look(&self, lun: &IscsiLun) -> Result<u64, String> {
        match tokio::time::timeout(self.limit, self.probe.size(lun)).await {
            Ok(Ok(size)) => Ok(size),
            Ok(Err(error)) => Err(error.reason()),
            Err(_) => Err(format!("no answer within {} s", self.limit.as_secs_f64())),
        }
    }
}

fn note(portal: &Portal, number: u16, what: &str) -> String {
    let Portal {
        address, target, ..
    } = portal;
    format!("{address} {target} LUN {number}: {what}")
}

#[async_trait]
impl DataPath for Userspace {
    async fn connector(&self) -> Result<Map<String, Value>, PathError> {
        let mut said = base(&self.options, false);
        said.insert("initiator".into(), self.initiator()?.into());
        Ok(said)
    }

    async fn open(&self, attachment: &Attachment) -> Result<Place, PathError> {
        self.find(attachment).await.map(Place::Iscsi)
    }

    /// Nothing to give up: each program that reached the LUN has logged out at its end.
    async fn close(&self, _: &Attachment, _: bool) -> Result<(), PathError> {
        Ok(())
    }

    async fn extend(&self, attachment: &Attachment) -> Result<u64, PathError> {
        let lun = self.find(attachment).await?;
        self.look(&lun)
            .await
            .map_err(|what| PathError::NotFound { what })
    }
}
