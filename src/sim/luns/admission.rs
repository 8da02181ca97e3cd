//! Who may log in where, as the array's objects say it.

use super::chap::{Account, Accounts};
use super::targets::private_iqn;
use crate::sim::objects::initiators::Initiator;
use crate::sim::options::ChapMode;
use crate::sim::state::Xms;

/// Class and detail of a login answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Status(pub(crate) u8, pub(crate) u8);

impl Status {
    pub(crate) const SUCCESS: Self = Self(0, 0);
    pub(crate) const INITIATOR_ERROR: Self = Self(2, 0);
    pub(crate) const AUTHENTICATION: Self = Self(2, 1);
    pub(crate) const NOT_FOUND: Self = Self(2, 3);
    pub(crate) const VERSION: Self = Self(2, 5);
    pub(crate) const MISSING_PARAMETER: Self = Self(2, 7);
    pub(crate) const NO_SESSION: Self = Self(2, 0x0a);
    pub(crate) const UNAVAILABLE: Self = Self(3, 1);
}

/// A portal, by its cluster and its own index there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PortalKey {
    pub(crate) cluster: u64,
    pub(crate) portal: u64,
}

/// What a host that may come must prove, and where it is led.
#[derive(Debug)]
pub(crate) struct Admission {
    /// The private target, for sessions that are not for discovery.
    pub(crate) target: Option<String>,
    /// None: no CHAP.
    pub(crate) accounts: Option<Accounts>,
}

/// A host that wants to use disks.
pub(crate) fn normal(
    xms: &Xms,
    at: PortalKey,
    initiator: &str,
    iqn: &str,
) -> Result<Admission, Status> {
    let found = xms.clusters.iter().find(|c| c.id.index == at.cluster);
    let cluster = found.ok_or(Status::NOT_FOUND)?;
    let portal = cluster.portals.get(at.portal).ok_or(Status::NOT_FOUND)?;
    if !portal.iqn.eq_ignore_ascii_case(iqn) {
        return Err(Status::NOT_FOUND);
    }
    let mut all = cluster.initiators.iter();
    let known = all
        .find(|known| known.port_address.eq_ignore_ascii_case(initiator))
        .ok_or(Status::NOT_FOUND)?;
    let group = cluster.initiator_groups.get(known.group);
    if group.is_none_or(|group| group.lun_maps.is_empty()) {
        return Err(Status::NOT_FOUND);
    }
    Ok(Admission {
        target: Some(private_iqn((cluster.id.index, known.group))),
        accounts: accounts(cluster.chap_login, Some(known), "authentication"),
    })
}

/// A host that wants to know the targets. Arrays tell them to everyone who can prove who he is,
/// if that is wanted.
pub(crate) fn discovery(xms: &Xms, at: PortalKey, initiator: &str) -> Result<Admission, Status> {
    let found = xms.clusters.iter().find(|c| c.id.index == at.cluster);
    let cluster = found.ok_or(Status::NOT_FOUND)?;
    let mut all = cluster.initiators.iter();
    let known = all.find(|known| known.port_address.eq_ignore_ascii_case(initiator));
    Ok(Admission {
        target: None,
        accounts: accounts(cluster.chap_discovery, known, "discovery"),
    })
}

/// Name, address and port of every published target of a portal's cluster.
pub(crate) fn published(xms: &Xms, at: PortalKey) -> Vec<(String, String)> {
    let mut all = xms.clusters.iter();
    let cluster = all.find(|cluster| cluster.id.index == at.cluster);
    let portals = cluster.into_iter().flat_map(|c| c.portals.iter());
    portals
        .map(|portal| {
            let ip = portal.id.name.split('/').next().unwrap_or_default();
            let address = match ip.contains(':') {
                true => format!("[{ip}]:{}", portal.port),
                false => format!("{ip}:{}", portal.port),
            };
            (portal.iqn.clone(), address)
        })
        .collect()
}

fn accounts(mode: ChapMode, known: Option<&Initiator>, of: &str) -> Option<Accounts> {
    let account = |side: &str| {
        let credential = |what: &str| {
            let name = format!("chap-{of}-{side}-{what}");
            known?.credentials.get(name.as_str()).cloned()
        };
        Some(Account {
            user: credential("user-name")?,
            secret: credential("password")?,
        })
    };
    (mode != ChapMode::Disabled).then(|| Accounts {
        initiator: account("initiator"),
        cluster: account("cluster"),
        mutual: mode == ChapMode::Mutual,
    })
}
