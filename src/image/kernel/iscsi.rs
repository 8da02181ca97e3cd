//! Logins to portals and out of them, by iscsiadm.

use std::time::Duration;

use futures::future::join_all;

use super::nexus::Reach;
use super::scsi::Disk;
use super::session::Session;
use super::{Kernel, LIMIT};
use crate::image::command::{Call, accept, failed, run};
use crate::image::path::{Attachment, Chap, PathError};
use crate::image::portals::{Portal, chap, portals};

/// Tries of what may fail because another does the same at the same time.
const TRIES: u32 = 3;
/// Tries to take a record away.
const DELETE_TRIES: u32 = 5;

impl Kernel {
    /// The disks of the LUN: over all portals with multipath, else over the first that shows it.
    pub(super) async fn find_iscsi(
        &self,
        attachment: &Attachment,
        multipath: bool,
    ) -> Result<Vec<Disk>, PathError> {
        let (portals, chap) = (portals(attachment)?, chap(&attachment.data)?);
        let mut errors = Vec::new();
        if multipath {
            let logins = portals
                .iter()
                .map(|portal| self.login(portal, chap.as_ref()));
            let mut sessions = Vec::new();
            for (portal, login) in portals.iter().zip(join_all(logins).await) {
                match login {
                    Ok(session) => sessions.push((session, portal.lun)),
                    Err(error) => {
                        tracing::warn!(portal = portal.address, %error, "a login failed");
                        errors.push(error);
                    }
                }
            }
            return match errors.into_iter().next() {
                Some(error) if sessions.is_empty() => Err(error),
                _ => self.hunt(attachment, &[], &sessions).await,
            };
        }
        for portal in &portals {
            let hunted = match self.login(portal, chap.as_ref()).await {
                Ok(session) => self.hunt(attachment, &[], &[(session, portal.lun)]).await,
                Err(error) => Err(error),
            };
            match hunted {
                Ok(disks) => return Ok(disks),
                Err(error) => {
                    tracing::warn!(portal = portal.address, %error, "trying the next portal");
                    errors.push(error);
                    self.leave(std::slice::from_ref(portal), true).await?;
                }
            }
        }
        Err(errors
            .into_iter()
            .next()
            .unwrap_or_else(|| PathError::unusable("the connection names no iSCSI portal")))
    }

    /// Where the LUN is, over the sessions that are there.
    pub(super) async fn iscsi_reach(
        &self,
        attachment: &Attachment,
    ) -> Result<Vec<Reach>, PathError> {
        let portals = portals(attachment)?;
        let sessions = self.sessions().await?;
        let mut found = Vec::new();
        for portal in &portals {
            let ours = sessions
                .iter()
                .filter(|s| s.is_to(&portal.address, &portal.target));
            found.extend(ours.filter_map(|session| self.session_reach(session, portal.lun)));
        }
        Ok(found)
    }

    pub(super) async fn detach_iscsi(
        &self,
        attachment: &Attachment,
        force: bool,
    ) -> Result<(), PathError> {
        let disks = self.left_of(attachment, &self.iscsi_reach(attachment).await?);
        let removed = self.remove(&disks, force).await;
        // without force, disks that could not be flushed are still there
        if removed.is_err() && !force {
            return removed;
        }
        let left = self.leave(&portals(attachment)?, force).await;
        removed.and(left)
    }

    /// A session to the portal, with scans left to us.
    async fn login(&self, portal: &Portal, chap: Option<&Chap>) -> Result<Session, PathError> {
        let name = format!(
            "connect_to_iscsi_portal-{}-{}",
            portal.address, portal.target
        );
        let _lock = self.lock(&name).await?;
        self.make_record(portal).await?;
        self.update(portal, "node.session.scan", "manual", false)
            .await?;
        if let Some(chap) = chap {
            let auth = "node.session.auth";
            self.update(portal, &format!("{auth}.authmethod"), "CHAP", true)
                .await?;
            self.update(portal, &format!("{auth}.username"), &chap.user, true)
                .await?;
            let name = format!("{auth}.password");
            let mut call = node(portal, &["--op", "update", "-n", &name, "-v"]);
            call.secret = Some(chap.password.clone());
            accept(self.machine.as_ref(), &call, &[0]).await?;
        }
        if let Some(session) = self.session_to(portal).await? {
            return Ok(session);
        }
        let call = node(portal, &["--login"]);
        accept(self.machine.as_ref(), &call, &[0, 15, 255]).await?;
        self.update(portal, "node.startup", "automatic", true)
            .await?;
        self.session_to(portal)
            .await?
            .ok_or_else(|| PathError::NotFound {
                what: format!("no session to {} came up", portal.address),
            })
    }

    async fn session_to(&self, portal: &Portal) -> Result<Option<Session>, PathError> {
        let mut sessions = self.sessions().await?.into_iter();
        Ok(sessions.find(|session| session.is_to(&portal.address, &portal.target)))
    }

    async fn make_record(&self, portal: &Portal) -> Result<(), PathError> {
        let machine = self.machine.as_ref();
        let there = accept(machine, &node(portal, &[]), &[0, 21, 255]).await?;
        if there.code == 0 && there.stderr.trim().is_empty() {
            return Ok(());
        }
        let call = node(portal, &["--interface", "default", "--op", "new"]);
        let mut tries = 1;
        loop {
            let made = accept(machine, &call, &[0, 6]).await?;
            if made.stderr.trim().is_empty() {
                return Ok(());
            }
            if tries == TRIES {
                return Err(failed(&call, &made));
            }
            tokio::time::sleep(Duration::from_secs(1 << (tries - 1))).await;
            tries += 1;
        }
    }

    async fn update(
        &self,
        portal: &Portal,
        name: &str,
        value: &str,
        must: bool,
    ) -> Result<(), PathError> {
        let call = node(portal, &["--op", "update", "-n", name, "-v", value]);
        let output = run(self.machine.as_ref(), &call).await?;
        if must && output.code != 0 {
            return Err(failed(&call, &output));
        }
        Ok(())
    }

    /// Logs out of those portals on whose sessions no disk is left, and forgets them.
    async fn leave(&self, portals: &[Portal], force: bool) -> Result<(), PathError> {
        let sessions = self.sessions().await?;
        let mut first = Ok(());
        for portal in portals {
            let session = sessions
                .iter()
                .find(|s| s.is_to(&portal.address, &portal.target));
            if session.is_some_and(|session| self.in_use(session)) {
                continue;
            }
            let left = self.log_out(portal, session.is_some()).await;
            if left.is_err() && !force {
                return left;
            }
            first = first.and(left);
        }
        first
    }

    async fn log_out(&self, portal: &Portal, logged_in: bool) -> Result<(), PathError> {
        const GONE: [i32; 3] = [0, 21, 255];
        let machine = self.machine.as_ref();
        if !logged_in && run(machine, &node(portal, &[])).await?.code != 0 {
            return Ok(());
        }
        let manual = ["--op", "update", "-n", "node.startup", "-v", "manual"];
        accept(machine, &node(portal, &manual), &GONE).await?;
        accept(machine, &node(portal, &["--logout"]), &GONE).await?;
        let delete = node(portal, &["--op", "delete"]);
        let mut tries = 1;
        loop {
            match accept(machine, &delete, &GONE).await {
                Err(error) if tries == DELETE_TRIES => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
                Ok(_) => return Ok(()),
            }
            tries += 1;
        }
    }
}

/// `iscsiadm -m node` on the record of a portal.
fn node(portal: &Portal, more: &[&str]) -> Call {
    let mut args = vec!["-m", "node", "-T", &portal.target, "-p", &portal.address];
    args.extend(more);
    Call::new("iscsiadm", &args, LIMIT)
}
