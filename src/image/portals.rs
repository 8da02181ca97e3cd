//! What iSCSI connection data say: portals, LUN numbers, secrets.

use secrecy::SecretString;
use serde_json::{Map, Value};

use super::path::{Attachment, Chap, PathError};

/// From this LUN on flat addressing has a number of its own on the wire.
const FLAT_FROM: u16 = 256;
/// The bit that says so.
const FLAT: u16 = 0x4000;

/// One portal through which a LUN is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Portal {
    /// `address:port`
    pub(super) address: String,
    /// IQN of the target.
    pub(super) target: String,
    /// As the array counts, without encoding.
    pub(super) lun: u16,
}

/// All portals, the main one first.
pub(super) fn portals(attachment: &Attachment) -> Result<Vec<Portal>, PathError> {
    let data = &attachment.data;
    if attachment.driver_volume_type != "iscsi" {
        return Err(PathError::unusable(format!(
            "the connection is {}, not iscsi",
            attachment.driver_volume_type
        )));
    }
    let mut found = Vec::new();
    if let (Some(address), Some(target)) = (text(data, "target_portal"), text(data, "target_iqn")) {
        found.push(Portal {
            address,
            target,
            lun: lun(data.get("target_lun"))?,
        });
    }
    let (addresses, targets) = (list(data, "target_portals"), list(data, "target_iqns"));
    let luns = data.get("target_luns").and_then(Value::as_array);
    for (at, (address, target)) in addresses.iter().zip(&targets).enumerate() {
        let number = luns.and_then(|luns| luns.get(at));
        let portal = Portal {
            address: address.clone(),
            target: target.clone(),
            lun: lun(number.or_else(|| data.get("target_lun")))?,
        };
        if !found.contains(&portal) {
            found.push(portal);
        }
    }
    if found.is_empty() {
        return Err(PathError::unusable("the connection names no iSCSI portal"));
    }
    Ok(found)
}

/// A LUN number of the connection data.
pub(super) fn lun(value: Option<&Value>) -> Result<u16, PathError> {
    let number = value.and_then(|value| {
        let text = value.as_str().map(str::to_owned);
        text.unwrap_or_else(|| value.to_string()).parse().ok()
    });
    number
        .filter(|number| *number < FLAT)
        .ok_or_else(|| PathError::unusable("the connection names no LUN from 0 to 16383"))
}

/// The numbers under which a LUN may be found on the wire, the likely one first: arrays differ in
/// how they encode those from 256 on.
pub(super) fn encodings(lun: u16) -> Vec<u16> {
    if lun < FLAT_FROM {
        vec![lun]
    } else {
        vec![lun | FLAT, lun]
    }
}

/// The login secrets, if the array asks for any.
pub(super) fn chap(data: &Map<String, Value>) -> Result<Option<Chap>, PathError> {
    let Some(method) = text(data, "auth_method") else {
        return Ok(None);
    };
    if method != "CHAP" {
        let reason = format!("the connection asks for the login method {method}, not CHAP");
        return Err(PathError::unusable(reason));
    }
    match (text(data, "auth_username"), text(data, "auth_password")) {
        (Some(user), Some(password)) => Ok(Some(Chap {
            user,
            password: SecretString::from(password),
        })),
        _ => Err(PathError::unusable(
            "the connection asks for CHAP without user or secret",
        )),
    }
}

/// A string that is not empty.
pub(super) fn text(data: &Map<String, Value>, key: &str) -> Option<String> {
    let text = data.get(key).and_then(Value::as_str).unwrap_or_default();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A list of strings; one string is a list of one.
pub(super) fn list(data: &Map<String, Value>, key: &str) -> Vec<String> {
    match data.get(key) {
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect(),
        Some(Value::String(text)) => vec![text.clone()],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use serde_json::json;

    fn attachment(data: Value) -> Attachment {
        Attachment {
            driver_volume_type: "iscsi".to_owned(),
            data: data.as_object().unwrap().clone(),
            size: 1,
        }
    }

    #[test]
    fn the_main_portal_comes_first_and_once() {
        let found = portals(&attachment(json!({
            "target_portal": "b:1", "target_iqn": "iqn.b", "target_lun": 7,
            "target_portals": ["a:1", "b:1"], "target_iqns": ["iqn.a", "iqn.b"],
            "target_luns": [7, 7],
        })))
        .unwrap();
        let addresses: Vec<_> = found.iter().map(|p| p.address.as_str()).collect();
        assert_eq!(addresses, ["b:1", "a:1"]);
    }

    #[test]
    fn numbers_on_the_wire() {
        assert_eq!(encodings(255), [255]);
        assert_eq!(encodings(256), [16640, 256]);
        assert_eq!(encodings(300), [16684, 300]);
        assert_eq!(lun(Some(&json!("12"))).unwrap(), 12);
        for bad in [json!(-1), json!(16384), json!("x"), Value::Null] {
            lun(Some(&bad)).unwrap_err();
        }
    }

    #[test]
    fn chap_is_taken_whole_or_refused() {
        let of = |data: Value| chap(data.as_object().unwrap());
        assert!(of(json!({})).unwrap().is_none());
        let all = json!({"auth_method": "CHAP", "auth_username": "u", "auth_password": "p"});
        assert_eq!(of(all).unwrap().unwrap().user, "u");
        of(json!({"auth_method": "CHAP", "auth_username": "u"})).unwrap_err();
        of(json!({"auth_method": "SRP", "auth_username": "u"})).unwrap_err();
    }
}
