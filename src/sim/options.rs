//! What a simulator is started with.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use secrecy::SecretString;
use serde::Deserialize;

use super::version::XmsVersion;

/// Whether the cluster asks initiators for CHAP credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChapMode {
    /// No authentication.
    #[default]
    Disabled,
    /// The initiator authenticates itself.
    Initiator,
    /// Both sides do.
    Mutual,
}

impl ChapMode {
    pub(crate) fn wire(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Initiator => "initiator",
            Self::Mutual => "mutual",
        }
    }
}

/// Object limits of each cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Volumes and snapshots together; beyond it `too_many_objs`.
    pub volumes: usize,
    /// Direct copies of one volume; beyond it `too_many_snapshots_per_vol`.
    pub snapshots_per_volume: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            volumes: 32_768,
            snapshots_per_volume: 512,
        }
    }
}

/// One iSCSI portal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalOptions {
    /// Address with prefix length: `10.205.68.5/16`, `fd00::1/64`.
    pub address: String,
    /// IQN of the target port behind it.
    pub iqn: String,
    /// TCP port, 3260 by custom.
    pub port: u16,
}

impl PortalOptions {
    /// A portal on the customary port 3260.
    pub fn new(address: impl Into<String>, iqn: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            iqn: iqn.into(),
            port: 3260,
        }
    }

    /// The portals at these addresses, with IQNs of a kind; a port 0 becomes a free one if
    /// there are disks.
    pub fn at(addresses: &[SocketAddr]) -> Vec<Self> {
        let portal = |(address, number): (&SocketAddr, u32)| {
            let prefix = match address.ip() {
                IpAddr::V4(ip) if ip.is_loopback() => 8,
                IpAddr::V4(_) => 24,
                IpAddr::V6(_) => 64,
            };
            Self {
                address: format!("{}/{prefix}", address.ip()),
                iqn: format!(
                    "iqn.2008-05.com.xtremio:{:012x}",
                    0x1e_6793_9c34_u64 + u64::from(number)
                ),
                port: address.port(),
            }
        };
        addresses.iter().zip(0..).map(portal).collect()
    }
}

/// One FC target port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FcTargetOptions {
    /// WWPN with colons.
    pub wwpn: String,
    /// Whether its `port-state` is `up`.
    pub up: bool,
}

/// What a simulator is started with.
#[derive(Debug, Clone)]
pub struct SimOptions {
    /// Where the XMS serves HTTPS; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where the admin interface serves plain HTTP; should be loopback.
    pub admin: SocketAddr,
    /// The release to play.
    pub xms_version: XmsVersion,
    /// Cluster names, in index order; 3.0 allows exactly one.
    pub clusters: Vec<String>,
    /// User of HTTP Basic authentication.
    pub user: String,
    /// Its password.
    pub password: SecretString,
    /// Usable physical capacity of each cluster, GiB.
    pub capacity_gib: u64,
    /// CHAP at login.
    pub chap_login: ChapMode,
    /// CHAP at discovery.
    pub chap_discovery: ChapMode,
    /// Object limits of each cluster.
    pub limits: Limits,
    /// iSCSI portals of each cluster.
    pub portals: Vec<PortalOptions>,
    /// FC target ports of each cluster.
    pub fc_targets: Vec<FcTargetOptions>,
    /// Names of target groups besides `Default`, which is always the first.
    pub target_groups: Vec<String>,
    /// Folder of the disks (tgt must be installed): with it, the portals are listened on and
    /// what is mapped is served there. None: volumes are names only.
    pub luns: Option<PathBuf>,
}

impl SimOptions {
    /// A one-cluster array on free loopback ports: user `admin`, password `Xtrem10`, 10 TiB,
    /// two IPv4 portals, two FC ports that are up and one that is down.
    pub fn new(xms_version: XmsVersion) -> Self {
        let fc = |wwpn: &str, up| FcTargetOptions {
            wwpn: wwpn.into(),
            up,
        };
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            admin: SocketAddr::from(([127, 0, 0, 1], 0)),
            xms_version,
            clusters: vec!["xbrick1".into()],
            user: "admin".into(),
            password: "Xtrem10".into(),
            capacity_gib: 10_240,
            chap_login: ChapMode::Disabled,
            chap_discovery: ChapMode::Disabled,
            limits: Limits::default(),
            portals: vec![
                PortalOptions::new("10.205.68.5/16", "iqn.2008-05.com.xtremio:001e67939c34"),
                PortalOptions::new("10.205.68.6/16", "iqn.2008-05.com.xtremio:001e67939c35"),
            ],
            fc_targets: vec![
                fc("21:00:00:24:ff:57:b2:36", true),
                fc("21:00:00:24:ff:57:b2:55", true),
                fc("21:00:00:24:ff:57:b2:77", false),
            ],
            target_groups: Vec::new(),
            luns: None,
        }
    }

    /// The same with disks in a folder, behind two portals on loopback addresses.
    #[must_use]
    pub fn with_luns(mut self, folder: impl Into<PathBuf>) -> Self {
        let addresses = [1, 2].map(|host| SocketAddr::from(([127, 0, 0, host], 0)));
        self.portals = PortalOptions::at(&addresses);
        self.luns = Some(folder.into());
        self
    }
}
