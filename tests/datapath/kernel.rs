//! What can happen on the way to a LUN and back.

use std::sync::Arc;

use cinder_volume_xtremio::config::{DataPathOptions, Protocol};
use cinder_volume_xtremio::image::{Attachment, DataPath as _, Kernel, PathError, Place};
use serde_json::{Value, json};

use super::fake::Fake;

const SIZE: u64 = 64 << 20;

pub(super) fn attachment(kind: &str, data: Value) -> Attachment {
    Attachment {
        driver_volume_type: kind.to_owned(),
        data: data.as_object().unwrap().clone(),
        size: SIZE,
    }
}

pub(super) fn kernel(fake: &Arc<Fake>, protocol: Protocol, multipath: bool) -> Kernel {
    let options = DataPathOptions {
        multipath,
        scan_tries: 1,
        lock_path: fake.at("locks"),
        ..DataPathOptions::default()
    };
    Kernel::new(options, protocol, fake.clone())
}

fn iscsi(lun: u16) -> Attachment {
    attachment(
        "iscsi",
        json!({
            "target_portals": ["10.0.0.1:3260", "10.0.0.2:3260"],
            "target_iqns": ["iqn.a", "iqn.b"], "target_luns": [lun, lun],
        }),
    )
}

fn device(place: Place) -> String {
    match place {
        Place::Device(path) => path.to_str().unwrap().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_high_lun_is_found_under_its_flat_number() {
    let fake = Arc::new(Fake::new(&[((4, 16684), (SIZE, "600a"))]));
    let path = kernel(&fake, Protocol::Iscsi, false);
    let place = path.open(&iscsi(300)).await.unwrap();
    assert_eq!(device(place), "/dev/sda");
    assert_eq!(path.extend(&iscsi(300)).await.unwrap(), SIZE);
    path.close(&iscsi(300), false).await.unwrap();
    assert_eq!((fake.blocks().len(), fake.sessions()), (0, 0));
    // a second time
    path.close(&iscsi(300), false).await.unwrap();
    let lock = fake.at("locks/os-brick-connect_volume");
    assert!(lock.exists());
}

#[tokio::test]
async fn a_high_lun_is_found_under_its_plain_number_too() {
    let fake = Arc::new(Fake::new(&[((4, 300), (SIZE, "600a"))]));
    let path = kernel(&fake, Protocol::Iscsi, false);
    assert_eq!(device(path.open(&iscsi(300)).await.unwrap()), "/dev/sda");
}

#[tokio::test]
async fn the_next_portal_is_taken_when_a_login_fails() {
    let mut fake = Fake::new(&[((4, 7), (SIZE, "600a"))]);
    fake.fails = vec!["-p 10.0.0.1:3260 --login"];
    let fake = Arc::new(fake);
    let path = kernel(&fake, Protocol::Iscsi, false);
    path.open(&iscsi(7)).await.unwrap();
    assert_eq!(fake.sessions(), 1);
}

#[tokio::test]
async fn nothing_is_left_of_a_lun_that_does_not_show() {
    let fake = Arc::new(Fake::new(&[((4, 7), (SIZE / 2, "600a"))]));
    let path = kernel(&fake, Protocol::Iscsi, false);
    let error = path.open(&iscsi(7)).await.unwrap_err();
    assert!(matches!(error, PathError::NotFound { .. }), "{error:?}");
    assert!(error.to_string().contains("1 smaller"), "{error}");
    assert_eq!((fake.blocks().len(), fake.sessions()), (0, 0));
}

#[tokio::test]
async fn paths_to_different_luns_are_refused_and_taken_away() {
    let fake = Arc::new(Fake::new(&[
        ((4, 7), (SIZE, "600a")),
        ((5, 7), (SIZE, "600b")),
    ]));
    let path = kernel(&fake, Protocol::Iscsi, true);
    let error = path.open(&iscsi(7)).await.unwrap_err();
    assert!(error.to_string().contains("different LUNs"), "{error}");
    assert_eq!((fake.blocks().len(), fake.sessions()), (0, 0));
}

#[tokio::test]
async fn a_session_with_another_disk_stays() {
    let fake = Arc::new(Fake::new(&[
        ((4, 7), (SIZE, "600a")),
        ((4, 8), (SIZE, "600c")),
    ]));
    let path = kernel(&fake, Protocol::Iscsi, false);
    path.open(&iscsi(7)).await.unwrap();
    fake.appear(4, 8);
    path.close(&iscsi(7), false).await.unwrap();
    assert_eq!(fake.blocks(), ["sdb"]);
    assert_eq!(fake.sessions(), 1);
}

#[tokio::test]
async fn what_cannot_be_flushed_stays_unless_forced() {
    let mut fake = Fake::new(&[((4, 7), (SIZE, "600a")), ((5, 7), (SIZE, "600a"))]);
    fake.maps = true;
    fake.fails = vec!["multipath -f"];
    let fake = Arc::new(fake);
    let path = kernel(&fake, Protocol::Iscsi, true);
    assert_eq!(device(path.open(&iscsi(7)).await.unwrap()), "/dev/dm-0");
    let error = path.close(&iscsi(7), false).await.unwrap_err();
    assert!(error.to_string().contains("multipath -f"), "{error}");
    assert_eq!(fake.blocks(), ["dm-0", "sda", "sdb"]);
    assert_eq!(fake.sessions(), 2);
    path.close(&iscsi(7), true).await.unwrap();
    assert_eq!((fake.blocks().len(), fake.sessions()), (0, 0));
}

#[tokio::test]
async fn fc_uses_the_ports_that_the_map_allows() {
    let fake = Fake::new(&[((2, 5), (SIZE, "600a")), ((3, 5), (SIZE, "600a"))]);
    fake.fc(2, "2000020fc0000001", "2000020fc0000100");
    fake.fc(3, "2000020fc0000002", "2000020fc0000101");
    let fake = Arc::new(fake);
    let path = kernel(&fake, Protocol::FibreChannel, false);
    let connector = path.connector().await.unwrap();
    assert_eq!(
        connector["wwpns"],
        json!(["2000020fc0000001", "2000020fc0000002"])
    );
    let of = |map: Value| {
        attachment(
            "fibre_channel",
            json!({
                "target_lun": 5, "initiator_target_map": map,
                "target_wwn": ["2000020fc0000100", "2000020fc0000101"],
            }),
        )
    };
    let one = of(json!({"2000020FC0000002": ["2000020fc0000101"]}));
    assert_eq!(device(path_of(&path, &one).await), "/dev/sda");
    assert!(
        fake.log()
            .contains(&"write /sys/class/scsi_host/host3/scan 0 0 5".to_owned())
    );
    assert!(!fake.log().iter().any(|command| command.contains("host2")));
    path.close(&one, false).await.unwrap();
    assert!(fake.blocks().is_empty());
    let none = of(json!({}));
    let error = path.open(&none).await.unwrap_err();
    assert!(error.to_string().contains("sees any of"), "{error}");
}

async fn path_of(path: &Kernel, attachment: &Attachment) -> Place {
    path.open(attachment).await.unwrap()
}
