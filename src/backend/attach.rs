//! What attaching needs beside the XMS: options, memory, and who a connector's host is.

use std::time::Duration;

use super::cache::{Fresh, NamedLocks, SeenMappings};
use super::{BackendError, Connector};
use crate::config::{BackendOptions, Protocol};
use crate::xms::{ChapModes, IscsiPortal, canonical_address};

/// How long portals and target ports are trusted.
const LIFETIME: Duration = Duration::from_secs(60);
/// The same of CHAP modes: a host without credentials cannot log in once they are asked for, and
/// nothing here would see that.
const CHAP_LIFETIME: Duration = Duration::from_secs(5);

/// Volumes whose mappings are remembered.
const MOST_VOLUMES: usize = 16_384;

/// Options of a backend section that attaching depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachOptions {
    /// iSCSI or FC.
    pub protocol: Protocol,
    /// `xtremio_ports`: addresses of allowed portals, or WWPNs of allowed target ports; empty
    /// allows all.
    pub ports: Vec<String>,
    /// `xtremio_clean_unused_ig`: a group that sees no volume any more goes with its initiators.
    pub clean_unused_ig: bool,
}

impl Default for AttachOptions {
    /// iSCSI over all portals, groups stay.
    fn default() -> Self {
        Self {
            protocol: Protocol::Iscsi,
            ports: Vec::new(),
            clean_unused_ig: false,
        }
    }
}

impl From<&BackendOptions> for AttachOptions {
    fn from(options: &BackendOptions) -> Self {
        Self {
            protocol: options.protocol,
            ports: options.ports.clone(),
            clean_unused_ig: options.clean_unused_ig,
        }
    }
}

/// Options and memory of attaching.
#[derive(Debug)]
pub(super) struct Attach {
    pub(super) options: AttachOptions,
    pub(super) portals: Fresh<Vec<IscsiPortal>>,
    pub(super) targets: Fresh<Vec<String>>,
    pub(super) chap: Fresh<ChapModes>,
    pub(super) seen: SeenMappings,
    /// By host: its initiators are made known by one command at a time.
    pub(super) hosts: NamedLocks,
    /// By initiator group: shared by those who map, alone for who deletes it.
    pub(super) groups: NamedLocks,
}

impl Attach {
    pub(super) fn new(options: AttachOptions) -> Self {
        Self {
            options,
            portals: Fresh::new(LIFETIME),
            targets: Fresh::new(LIFETIME),
            chap: Fresh::new(CHAP_LIFETIME),
            seen: SeenMappings::new(MOST_VOLUMES),
            hosts: NamedLocks::default(),
            groups: NamedLocks::default(),
        }
    }

    /// After any surprise what was read before is doubtful.
    pub(super) async fn forget(&self) {
        self.portals.forget().await;
        self.targets.forget().await;
        self.chap.forget().await;
    }
}

/// A host as the array knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Host {
    /// IQN, or WWPNs with colons, each once.
    pub(super) addresses: Vec<String>,
    /// Name of the group to be made when none of them is known; the Python driver's.
    group: Option<String>,
    /// The same for each command about this host.
    pub(super) key: String,
}

impl Host {
    /// The host of a connector.
    ///
    /// # Errors
    /// [`BackendError::InvalidConnector`] without an address of this protocol.
    pub(super) fn of(protocol: Protocol, connector: &Connector) -> Result<Self, BackendError> {
        let mut addresses: Vec<String> = Vec::new();
        let (group, missing) = match protocol {
            Protocol::Iscsi => {
                let iqn = connector.initiator.as_deref().unwrap_or_default().trim();
                addresses.extend((!iqn.is_empty()).then(|| iqn.to_owned()));
                (addresses.first().cloned(), "initiator")
            }
            Protocol::FibreChannel => {
                for wwpn in &connector.wwpns {
                    let new = canonical_address(wwpn);
                    let known = addresses.iter().any(|a| canonical_address(a) == new);
                    if !known && !new.is_empty() {
                        addresses.push(with_colons(wwpn));
                    }
                }
                let host = connector.host.clone().filter(|host| !host.is_empty());
                (host, "wwpns")
            }
        };
        // A comma would divide the terms of a filter; no address has one.
        if let Some(odd) = addresses.iter().find(|a| a.contains(',')) {
            return Err(BackendError::Array {
                reason: format!("{odd:?} in the connector is no address of an initiator"),
                source: None,
            });
        }
        let key = addresses.iter().map(|a| canonical_address(a)).min();
        let key = key.ok_or(BackendError::InvalidConnector { missing })?;
        Ok(Self {
            addresses,
            group,
            key,
        })
    }

    /// Name of the group to be made.
    ///
    /// # Errors
    /// [`BackendError::InvalidConnector`] when a Fibre Channel connector names no host.
    pub(super) fn new_group(&self) -> Result<&str, BackendError> {
        let missing = BackendError::InvalidConnector { missing: "host" };
        self.group.as_deref().ok_or(missing)
    }
}

/// A WWPN in the array's own form.
fn with_colons(wwpn: &str) -> String {
    let wwpn = wwpn.trim();
    if wwpn.contains(':') {
        return wwpn.to_owned();
    }
    let digits: Vec<char> = wwpn.strip_prefix("0x").unwrap_or(wwpn).chars().collect();
    let pairs: Vec<String> = digits.chunks(2).map(|pair| pair.iter().collect()).collect();
    pairs.join(":")
}

/// What Cinder's base drivers ask of a connector.
///
/// # Errors
/// [`BackendError::InvalidConnector`]
pub(super) fn check(protocol: Protocol, connector: &Connector) -> Result<(), BackendError> {
    let filled = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
    let missing = match protocol {
        Protocol::Iscsi if !filled(&connector.initiator) => "initiator",
        Protocol::FibreChannel if connector.wwpns.is_empty() => "wwpns",
        Protocol::FibreChannel if connector.wwnns.is_empty() => "wwnns",
        _ => return Ok(()),
    };
    Err(BackendError::InvalidConnector { missing })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn fc(wwpns: &[&str]) -> Connector {
        Connector {
            host: Some("node1".into()),
            wwpns: wwpns.iter().map(|w| (*w).to_owned()).collect(),
            ..Connector::default()
        }
    }

    #[test]
    fn each_protocol_asks_for_its_own_addresses() {
        let missing = |protocol, connector: &Connector| match check(protocol, connector) {
            Err(BackendError::InvalidConnector { missing }) => missing,
            other => panic!("{other:?}"),
        };
        let mut connector = Connector::default();
        assert_eq!(missing(Protocol::Iscsi, &connector), "initiator");
        assert_eq!(missing(Protocol::FibreChannel, &connector), "wwpns");
        connector.wwpns = vec!["2100001b32817c5f".into()];
        assert_eq!(missing(Protocol::FibreChannel, &connector), "wwnns");
        connector.wwnns = vec!["2000001b32817c5f".into()];
        check(Protocol::FibreChannel, &connector).unwrap();
        connector.initiator = Some("iqn.x:1".into());
        check(Protocol::Iscsi, &connector).unwrap();
    }

    #[test]
    fn a_wwpn_is_one_in_whatever_form_it_comes() {
        let connector = fc(&["2100001b32817c5f", "21:00:00:1B:32:81:7C:5F", "0a"]);
        let host = Host::of(Protocol::FibreChannel, &connector).unwrap();
        assert_eq!(host.addresses, ["21:00:00:1b:32:81:7c:5f", "0a"]);
        let turned = fc(&["0a", "21:00:00:1b:32:81:7c:5f"]);
        let turned = Host::of(Protocol::FibreChannel, &turned).unwrap();
        assert_eq!(host.key, turned.key);
        assert_eq!(host.new_group().unwrap(), "node1");
    }

    #[test]
    fn a_connector_without_addresses_has_no_host() {
        for protocol in [Protocol::Iscsi, Protocol::FibreChannel] {
            let error = Host::of(protocol, &fc(&[])).unwrap_err();
            assert!(
                matches!(error, BackendError::InvalidConnector { .. }),
                "{error}"
            );
        }
        assert!(Host::of(Protocol::FibreChannel, &fc(&["a,b"])).is_err());
    }
}
