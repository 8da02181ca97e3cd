//! Sessions of open-iscsi: which there are, and what hangs on them.

use super::nexus::Reach;
use super::{Kernel, LIMIT};
use crate::image::command::{Call, accept, at, names};
use crate::image::path::PathError;

/// One session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Session {
    /// Its number.
    pub(super) id: u32,
    /// `address:port` of the portal.
    pub(super) portal: String,
    /// IQN of the target.
    pub(super) target: String,
}

impl Session {
    /// Reads one line of `iscsiadm -m session`:
    /// `tcp: [3] 10.0.0.1:3260,1 iqn.2008-05.com.xtremio:x (non-flash)`.
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let transport = words.next()?;
        matches!(transport, "tcp:" | "iser:").then_some(())?;
        let id = words.next()?.trim_matches(['[', ']']).parse().ok()?;
        let portal = words.next()?.split(',').next()?.to_owned();
        let target = words.next()?.to_owned();
        Some(Self { id, portal, target })
    }

    /// Whether it is one to that portal and target.
    pub(super) fn is_to(&self, portal: &str, target: &str) -> bool {
        self.portal.eq_ignore_ascii_case(portal) && self.target == target
    }
}

impl Kernel {
    /// All sessions of this host.
    pub(super) async fn sessions(&self) -> Result<Vec<Session>, PathError> {
        let call = Call::new("iscsiadm", &["-m", "session"], LIMIT);
        let output = accept(self.machine.as_ref(), &call, &[0, 21, 255]).await?;
        Ok(output.stdout.lines().filter_map(Session::parse).collect())
    }

    /// Where a LUN of the session comes up; nothing while the kernel does not show the session.
    pub(super) fn session_reach(&self, session: &Session, lun: u16) -> Option<Reach> {
        let (host, targets) = self.session_targets(session)?;
        Some(Self::reach(host, targets.first().copied(), lun))
    }

    /// Host of a session, and channel and number of its targets.
    fn session_targets(&self, session: &Session) -> Option<(u32, Vec<(u32, u32)>)> {
        let hosts = at(self.machine.as_ref(), "sys/class/iscsi_host");
        for name in names(&hosts) {
            let dir = hosts
                .join(&name)
                .join(format!("device/session{}", session.id));
            if !dir.is_dir() {
                continue;
            }
            let host = name.strip_prefix("host")?.parse().ok()?;
            let targets = names(&dir).into_iter().filter_map(|name| {
                let mut parts = name.strip_prefix("target")?.split(':').skip(1);
                let channel = parts.next()?.parse().ok()?;
                Some((channel, parts.next()?.parse().ok()?))
            });
            return Some((host, targets.collect()));
        }
        None
    }

    /// Whether any disk still hangs on the session, this one's and others'.
    pub(super) fn in_use(&self, session: &Session) -> bool {
        let Some((host, targets)) = self.session_targets(session) else {
            return false;
        };
        let units = at(self.machine.as_ref(), "sys/class/scsi_device");
        names(&units).iter().any(|address| {
            let on_it = targets
                .iter()
                .any(|(c, t)| address.starts_with(&format!("{host}:{c}:{t}:")));
            on_it && !names(&units.join(address).join("device/block")).is_empty()
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn lines_of_iscsiadm() {
        let session = Session::parse("tcp: [3] [FE80::1]:3260,1 iqn.x:y (non-flash)").unwrap();
        assert_eq!(session.id, 3);
        assert!(session.is_to("[fe80::1]:3260", "iqn.x:y"));
        assert!(!session.is_to("[fe80::1]:3260", "iqn.x:Y"));
        assert_eq!(Session::parse("iscsiadm: No active sessions."), None);
        assert_eq!(Session::parse("bnx2i: [1] 10.0.0.1:3260,1 iqn.x"), None);
    }
}
