//! The way to a LUN through libiscsi in the converter's own process: no root, no kernel initiator,
//! nothing left behind. iSCSI only, and one portal at a time: what is lost with it begins anew.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use tracing::{debug, warn};

use super::lun;
use super::path::{Attachment, Chap, DataPath, IscsiLun, PathError, Place};
use super::qemu::Qemu;

/// Where open-iscsi keeps the name of this host.
const INITIATOR_NAME: &str = "/etc/iscsi/initiatorname.iscsi";

/// How long a portal may take to show a LUN, before the next one is asked.
const ANSWER: Duration = Duration::from_secs(20);

/// The path without the kernel.
#[derive(Debug)]
pub struct Userspace {
    qemu: Qemu,
    host: String,
    ip: String,
    /// `image_initiator_name`, else what the file says.
    initiator: Option<String>,
    file: PathBuf,
}

impl Userspace {
    /// For a host of that name and address. `initiator` is its IQN; without one it is read from
    /// [`INITIATOR_NAME`] when it is needed.
    pub fn new(qemu: Qemu, host: &str, ip: &str, initiator: Option<&str>) -> Self {
        Self {
            qemu,
            host: host.to_owned(),
            ip: ip.to_owned(),
            initiator: initiator.map(str::to_owned),
            file: INITIATOR_NAME.into(),
        }
    }

    fn initiator(&self) -> Result<String, PathError> {
        if let Some(name) = &self.initiator {
            return Ok(name.clone());
        }
        initiator_in(&self.file)
    }
}

#[async_trait]
impl DataPath for Userspace {
    async fn connector(&self) -> Result<Map<String, Value>, PathError> {
        let properties = json!({
            "platform": std::env::consts::ARCH,
            "os_type": "linux",
            "ip": self.ip,
            "host": self.host,
            "initiator": self.initiator()?,
            "multipath": false,
            "enforce_multipath": false,
            "do_local_attach": false,
        });
        Ok(properties.as_object().cloned().unwrap_or_default())
    }

    async fn open(&self, attachment: &Attachment) -> Result<Place, PathError> {
        let initiator = self.initiator()?;
        let mut last = None;
        for candidate in candidates(attachment, &initiator)? {
            let place = Place::Iscsi(candidate.clone());
            match self.qemu.size_of(&place, ANSWER).await {
                Ok(size) if size >= attachment.size => {
                    debug!(portal = candidate.portal, lun = candidate.lun, "LUN found");
                    return Ok(place);
                }
                Ok(size) => {
                    let what = format!("LUN {} has {size} bytes", candidate.lun);
                    debug!(portal = candidate.portal, what, "not the volume");
                    last = Some((candidate, what));
                }
                Err(error) => {
                    warn!(portal = candidate.portal, lun = candidate.lun, %error, "LUN not reached");
                    last = Some((candidate, error.to_string()));
                }
            }
        }
        let (at, reason) = last.map_or_else(
            || {
                (
                    "no portal".to_owned(),
                    "the connection names none".to_owned(),
                )
            },
            |(candidate, reason)| (format!("portal {}", candidate.portal), reason),
        );
        Err(PathError::NotFound {
            at,
            wanted: attachment.size,
            reason,
        })
    }

    async fn close(&self, _: &Attachment, _: bool) -> Result<(), PathError> {
        // The converter flushes before it ends, and takes its session with it.
        Ok(())
    }
}

/// Every way to the LUN, in the order of the connection: its own target first, then the others;
/// of each the encodings that its number may have on the wire.
fn candidates(attachment: &Attachment, initiator: &str) -> Result<Vec<IscsiLun>, PathError> {
    if attachment.driver_volume_type != "iscsi" {
        return Err(PathError::Unusable {
            reason: format!(
                "volumes attached by {} cannot be reached without the kernel's initiator",
                attachment.driver_volume_type
            ),
        });
    }
    let data = &attachment.data;
    let text = |key: &str| data.get(key).and_then(Value::as_str).map(str::to_owned);
    let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
    let list = |key: &str| {
        data.get(key)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let mut ways: Vec<(String, String, u64)> = Vec::new();
    let lun = data.get("target_lun").and_then(number);
    if let (Some(portal), Some(target), Some(lun)) =
        (text("target_portal"), text("target_iqn"), lun)
    {
        ways.push((portal, target, lun));
    }
    let (portals, targets, luns) = (
        list("target_portals"),
        list("target_iqns"),
        list("target_luns"),
    );
    for (index, portal) in portals.iter().enumerate() {
        let target = targets.get(index).and_then(Value::as_str);
        let lun = luns.get(index).and_then(number).or(lun);
        if let (Some(portal), Some(target), Some(lun)) = (portal.as_str(), target, lun) {
            let way = (portal.to_owned(), target.to_owned(), lun);
            if !ways.contains(&way) {
                ways.push(way);
            }
        }
    }
    let asked = text("auth_method").is_some_and(|method| method == "CHAP");
    let chap = asked
        .then(|| {
            let (user, password) = (text("auth_username")?, text("auth_password")?);
            Some(Chap {
                user,
                password: SecretString::from(password),
            })
        })
        .flatten();
    let mut found = Vec::new();
    for (portal, target, lun) in ways {
        for lun in lun::encodings(lun) {
            found.push(IscsiLun {
                portal: portal.clone(),
                target: target.clone(),
                lun,
                initiator: initiator.to_owned(),
                chap: chap.clone(),
            });
        }
    }
    Ok(found)
}

/// The `InitiatorName=` line of a file.
///
/// # Errors
/// [`PathError::Unusable`] without one.
pub(super) fn initiator_in(file: &Path) -> Result<String, PathError> {
    let unusable = |why: String| PathError::Unusable {
        reason: format!("no initiator name of this host: {}: {why}", file.display()),
    };
    let text = std::fs::read_to_string(file).map_err(|error| unusable(error.to_string()))?;
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("InitiatorName="))
        .map(|name| name.trim().to_owned())
        .find(|name| !name.is_empty())
        .ok_or_else(|| unusable("no InitiatorName line".to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn attachment(data: Value) -> Attachment {
        Attachment {
            driver_volume_type: "iscsi".to_owned(),
            data: data.as_object().unwrap().clone(),
            size: 1 << 30,
        }
    }

    #[test]
    fn every_portal_is_tried_and_the_connections_own_first() {
        let found = candidates(
            &attachment(json!({
                "target_portal": "10.0.0.1:3260", "target_iqn": "iqn.a", "target_lun": 300,
                "target_portals": ["10.0.0.1:3260", "10.0.0.2:3260"],
                "target_iqns": ["iqn.a", "iqn.b"], "target_luns": [300, 300],
                "auth_method": "CHAP", "auth_username": "u", "auth_password": "s3cret-chap",
            })),
            "iqn.host",
        )
        .unwrap();
        let ways: Vec<_> = found
            .iter()
            .map(|l| (l.portal.as_str(), l.target.as_str(), l.lun))
            .collect();
        assert_eq!(
            ways,
            [
                ("10.0.0.1:3260", "iqn.a", 16684),
                ("10.0.0.1:3260", "iqn.a", 300),
                ("10.0.0.2:3260", "iqn.b", 16684),
                ("10.0.0.2:3260", "iqn.b", 300),
            ]
        );
        assert_eq!(found[0].chap.as_ref().unwrap().user, "u");
        assert!(!format!("{found:?}").contains("s3cret-chap"));
    }

    #[test]
    fn fibre_channel_needs_the_kernel() {
        let mut attachment = attachment(json!({}));
        attachment.driver_volume_type = "fibre_channel".to_owned();
        assert!(candidates(&attachment, "iqn.host").is_err());
    }

    #[test]
    fn the_name_is_that_of_open_iscsi() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("initiatorname.iscsi");
        assert!(initiator_in(&file).is_err());
        std::fs::write(
            &file,
            "## comment\nInitiatorName=iqn.1993-08.org.debian:01:a\n",
        )
        .unwrap();
        assert_eq!(initiator_in(&file).unwrap(), "iqn.1993-08.org.debian:01:a");
    }
}
