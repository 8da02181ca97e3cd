//! The userspace data path against a real iSCSI target.

use std::sync::Arc;
use std::time::Duration;

use cinder_volume_xtremio::image::{
    Attachment, DataPath, LocalMachine, PathError, Place, Qemu, Userspace, WorkDir,
};
use serde_json::{Value, json};

use super::target::{SECRET, Target, USER};
use super::{Lab, MIB};
use crate::config::base_and;

fn path(lab: &Lab) -> Userspace {
    let text = "[xio]\niscsi_initiator_name = iqn.1993-08.org.debian:01:test";
    let config = base_and(text).unwrap().config;
    let work = WorkDir::new(lab.path("conversion"), "test");
    let qemu = Qemu::new(&config.image, work, 0, Duration::from_secs(60));
    let options = config.backends[0].data_path.clone();
    Userspace::new(options, Arc::new(LocalMachine), Arc::new(qemu))
        .portal_limit(Duration::from_secs(10))
}

fn attachment(target: &Target, lun: u16, more: Value) -> Attachment {
    let mut data = json!({
        "target_portal": format!("127.0.0.1:{}", target.port),
        "target_iqn": target.iscsi(lun).target,
        "target_lun": lun,
    });
    for (key, value) in more.as_object().unwrap() {
        data[key] = value.clone();
    }
    Attachment {
        driver_volume_type: "iscsi".to_owned(),
        data: data.as_object().unwrap().clone(),
        size: 4 * MIB,
    }
}

fn found(place: Place) -> (String, u16) {
    match place {
        Place::Iscsi(lun) => (lun.portal, lun.lun),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn luns_from_256_on_are_found_under_their_number_on_the_wire() {
    let (lab, target) = (Lab::with(""), Target::start());
    for (lun, wire) in [(7, 7), (256, 16640), (300, 16684)] {
        target.lun(lun, 4 * MIB);
        let place = path(&lab).open(&attachment(&target, lun, json!({}))).await;
        assert_eq!(found(place.unwrap()).1, wire);
    }
    let asked = attachment(&target, 300, json!({}));
    assert_eq!(path(&lab).extend(&asked).await.unwrap(), 4 * MIB);
    path(&lab).close(&asked, false).await.unwrap();
}

#[tokio::test]
async fn chap_is_asked_for_and_given_and_not_told() {
    let (lab, mut target) = (Lab::with(""), Target::start());
    target.lun(1, 4 * MIB);
    target.with_chap();
    let login = |secret: &str| json!({"auth_method": "CHAP", "auth_username": USER, "auth_password": secret});
    let right = attachment(&target, 1, login(SECRET));
    path(&lab).open(&right).await.unwrap();
    let wrong = attachment(&target, 1, login("not,it,but=14"));
    let error = path(&lab).open(&wrong).await.unwrap_err();
    assert!(error.to_string().contains("Authentication"), "{error}");
    assert!(!format!("{error:?}").contains("not,it"), "{error:?}");
    path(&lab)
        .open(&attachment(&target, 1, json!({})))
        .await
        .unwrap_err();
    let left = std::fs::read_dir(lab.path("conversion")).unwrap();
    assert_eq!(left.count(), 0, "a secret is left");
}

#[tokio::test]
async fn another_portal_is_taken_when_the_first_is_dead() {
    let (lab, target) = (Lab::with(""), Target::start());
    target.lun(1, 4 * MIB);
    let iqn = target.iscsi(1).target;
    let alive = format!("127.0.0.1:{}", target.port);
    let asked = attachment(
        &target,
        1,
        json!({
            "target_portal": "127.0.0.1:1",
            "target_portals": ["127.0.0.1:1", alive],
            "target_iqns": [iqn, iqn],
            "target_luns": [1, 1],
        }),
    );
    assert_eq!(found(path(&lab).open(&asked).await.unwrap()).0, alive);
}

#[tokio::test]
async fn what_is_not_mapped_or_too_small_is_an_error_that_says_so() {
    let (lab, target) = (Lab::with(""), Target::start());
    target.lun(1, MIB);
    for (lun, text) in [(5, "LUN 5"), (1, "1048576 of 4194304 bytes")] {
        let asked = attachment(&target, lun, json!({}));
        let error = path(&lab).open(&asked).await.unwrap_err();
        assert!(matches!(error, PathError::NotFound { .. }), "{error:?}");
        assert!(error.to_string().contains(text), "{error}");
    }
}

#[tokio::test]
async fn the_connector_names_this_host() {
    let connector = path(&Lab::with("")).connector().await.unwrap();
    assert_eq!(connector["initiator"], "iqn.1993-08.org.debian:01:test");
    assert_eq!(connector["multipath"], false);
    assert!(connector["host"].is_string());
}
