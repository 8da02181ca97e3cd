//! What hosts are told that ask for targets, and what garbage does.

use std::time::Duration;

use cinder_volume_xtremio::sim::ChapMode;
use md5::{Digest as _, Md5};
use serde_json::json;
use tokio::time::timeout;

use super::array::Array;
use super::wire::{Answer, Wire};

const LOGIN: u8 = 0x43;
const TEXT: u8 = 0x04;
const LOGOUT: u8 = 0x46;
/// From the security stage to the next, at once or not yet.
const SECURITY: u8 = 0x81;
const STAY: u8 = 0x00;
/// From the operational stage to the full feature phase.
const OPERATIONAL: u8 = 0x87;
const NAME: (&str, &str) = ("InitiatorName", "iqn.1993-08.org.debian:01:a");
const DISCOVERY: (&str, &str) = ("SessionType", "Discovery");

fn targets(array: &Array) -> Vec<(String, String)> {
    let portals = array.portals.iter();
    let told = portals.flat_map(|portal| {
        let address = format!("{},1", portal.address);
        [
            ("TargetName", portal.iqn.clone()),
            ("TargetAddress", address),
        ]
    });
    told.map(|(key, value)| (key.to_owned(), value)).collect()
}

#[tokio::test]
async fn everybody_is_told_the_published_targets() {
    let array = Array::start().await;
    let mut wire = Wire::open(&array.portals[1].address).await;
    let none = ("AuthMethod", "CHAP,None");
    let answer = wire.ask(LOGIN, SECURITY, &[NAME, DISCOVERY, none]).await;
    assert_eq!((answer.status(), answer.header[1]), ((0, 0), SECURITY));
    assert_eq!(answer.get("AuthMethod"), "None");
    assert_eq!(answer.get("TargetPortalGroupTag"), "1");
    let offered = [
        ("HeaderDigest", "CRC32C,None"),
        ("MaxBurstLength", "8192"),
        ("X-a", "1"),
    ];
    let answer = wire.ask(LOGIN, OPERATIONAL, &offered).await;
    assert_eq!((answer.status(), answer.header[1]), ((0, 0), OPERATIONAL));
    assert_ne!(answer.header[14..16], [0, 0], "the session has a handle");
    let agreed = ["HeaderDigest", "MaxBurstLength", "X-a"].map(|key| answer.get(key));
    assert_eq!(agreed, ["None", "Irrelevant", "NotUnderstood"]);

    let answer = wire.ask(TEXT, 0x80, &[("SendTargets", "All")]).await;
    assert_eq!(answer.keys, targets(&array));
    let one = array.portals[1].iqn.as_str();
    let answer = wire.ask(TEXT, 0x80, &[("SendTargets", one)]).await;
    assert_eq!(answer.keys, targets(&array)[2..]);
    let answer = wire.ask(LOGOUT, 0x80, &[]).await;
    assert_eq!(answer.header[..3], [0x26, 0x80, 0]);
    assert!(wire.ends().await);
}

/// Logs in for discovery with CHAP; the last answer.
async fn with_chap(array: &Array, secret: &str) -> Answer {
    let mut wire = Wire::open(&array.portals[0].address).await;
    let method = ("AuthMethod", "CHAP");
    let answer = wire.ask(LOGIN, STAY, &[NAME, DISCOVERY, method]).await;
    assert_eq!(answer.get("AuthMethod"), "CHAP");
    let answer = wire.ask(LOGIN, STAY, &[("CHAP_A", "5")]).await;
    let id: u8 = answer.get("CHAP_I").parse().unwrap();
    let hex = answer.get("CHAP_C").strip_prefix("0x").unwrap();
    let pairs = (0..hex.len()).step_by(2);
    let challenge: Vec<u8> = pairs
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect();
    let digest = Md5::digest([&[id][..], secret.as_bytes(), &challenge].concat());
    let response: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let response = format!("0x{response}");
    let proof = [("CHAP_N", "finder"), ("CHAP_R", response.as_str())];
    let answer = wire.ask(LOGIN, SECURITY, &proof).await;
    if answer.status() != (0, 0) {
        return answer;
    }
    wire.ask(LOGIN, OPERATIONAL, &[]).await;
    wire.ask(TEXT, 0x80, &[("SendTargets", "All")]).await
}

#[tokio::test]
async fn discovery_has_credentials_of_its_own() {
    let (array, host) = Array::with_volume().await;
    array
        .xms
        .sim
        .set_chap(ChapMode::Disabled, ChapMode::Initiator);
    let mut wire = Wire::open(&array.portals[0].address).await;
    let answer = wire.ask(LOGIN, OPERATIONAL, &[NAME, DISCOVERY]).await;
    assert_eq!(answer.status(), (2, 1));
    assert_eq!(with_chap(&array, "ABCDEF123456").await.status(), (2, 1));
    let credentials = json!({
        "initiator-discovery-user-name": "finder",
        "initiator-discovery-password": "ABCDEF123456",
    });
    array.xms.put("v2/types/initiators/1", credentials).await;
    assert_eq!(
        with_chap(&array, "ABCDEF123456").await.keys,
        targets(&array)
    );
    assert_eq!(with_chap(&array, "ABCDEF123457").await.status(), (2, 1));
    host.size(1).await.expect("a login is another matter");
}

#[tokio::test]
async fn garbage_ends_its_own_connection_only() {
    let (array, host) = Array::with_volume().await;
    let address = array.portals[0].address.as_str();
    let mut patient = Wire::open(address).await;
    patient.ask(LOGIN, STAY, &[NAME, DISCOVERY]).await;
    let endless = [&[LOGIN, STAY, 0, 0, 0, 0xff, 0xff, 0xff][..], &[0; 40]].concat();
    for garbage in [
        b"GET / HTTP/1.1\r\n\r\n".repeat(4),
        vec![0xff; 48],
        endless,
        vec![0; 48],
    ] {
        let mut wire = Wire::open(address).await;
        wire.raw(&garbage).await.unwrap();
        let ended = timeout(Duration::from_secs(20), wire.ends()).await;
        assert!(ended.unwrap(), "{:x?} was answered", &garbage[..8]);
    }
    for (keys, status) in [
        (&[DISCOVERY][..], (2, 7)),
        (&[NAME], (2, 7)),
        (&[NAME, ("SessionType", "Odd")], (2, 0)),
        (&[NAME, ("TargetName", "iqn.x:y")], (2, 3)),
    ] {
        let answer = Wire::open(address).await.ask(LOGIN, SECURITY, keys).await;
        assert_eq!(answer.status(), status, "{keys:?}");
    }
    patient
        .ask(LOGIN, SECURITY, &[("AuthMethod", "None")])
        .await;
    patient.ask(LOGIN, OPERATIONAL, &[]).await;
    let answer = patient.ask(0x01, 0x80, &[]).await;
    assert_eq!(answer.header[..3], [0x3f, 0x80, 4], "no commands here");
    host.size(1).await.unwrap();
}
