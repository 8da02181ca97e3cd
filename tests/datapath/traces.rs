//! The commands of os-brick 7.1.1, recorded on a real host, are ours.

use std::sync::Arc;

use cinder_volume_xtremio::config::Protocol;
use cinder_volume_xtremio::image::{DataPath as _, Place};
use serde_json::json;

use super::fake::Fake;
use super::kernel::{attachment, kernel};

const TRACE: &str = include_str!("../data/datapath/osbrick-7.1.1-iscsi.txt");
const WWID: &str = "600140551f4a1b2c3d40001000000000";

/// Commands of a section of the trace, spelled as the fake logs them.
fn section(name: &str) -> Vec<String> {
    let begin = format!("--- {name}\n");
    let section = TRACE.split_once(&begin).unwrap().1;
    let section = section.split("\n---").next().unwrap();
    let commands = section.lines().filter_map(|line| {
        let command = line.split_once("] ")?.1.rsplit_once(" rc=")?.0;
        Some(match command.strip_prefix("tee -a ") {
            Some(write) => format!(
                "write {}",
                write.replace(" <<< '", " ").trim_end_matches('\'')
            ),
            None => command.to_owned(),
        })
    });
    commands.collect()
}

/// Without questions that change nothing, and repeats.
fn changes(commands: &[String]) -> Vec<String> {
    let questions = ["iscsiadm -m node", "iscsiadm -m session"];
    let mut kept: Vec<String> = commands.to_vec();
    kept.retain(|command| !questions.contains(&command.as_str()));
    kept.dedup();
    kept
}

#[tokio::test]
async fn iscsi_with_chap_and_multipath() {
    let mut fake = Fake::new(&[((4, 7), (64 << 20, WWID)), ((5, 7), (64 << 20, WWID))]);
    fake.maps = true;
    let fake = Arc::new(fake);
    let portals = ["127.0.0.1:3260", "127.0.0.2:3260"];
    let iqn = "iqn.2026-01.lab.test:lio";
    let attachment = attachment(
        "iscsi",
        json!({
            "target_portals": portals, "target_iqns": [iqn, iqn], "target_luns": [7, 7],
            "target_lun": 7, "auth_method": "CHAP", "auth_username": "alice",
            "auth_password": "secretsecret12",
        }),
    );
    let path = kernel(&fake, Protocol::Iscsi, true);
    let place = path.open(&attachment).await.unwrap();
    assert!(
        matches!(&place, Place::Device(p) if p.to_str() == Some("/dev/dm-0")),
        "{place:?}"
    );

    let (ours, theirs) = (fake.log(), section("connect"));
    for portal in portals {
        let at = |all: &[String]| -> Vec<String> {
            let ours = all.iter().filter(|command| command.contains(portal));
            ours.cloned().collect()
        };
        assert!(at(&theirs).len() >= 8);
        assert_eq!(at(&ours), at(&theirs));
    }
    let writes = |all: &[String]| -> Vec<String> {
        let writes = all.iter().filter(|command| command.starts_with("write "));
        writes.cloned().collect()
    };
    assert_eq!(writes(&ours), writes(&theirs));
    assert!(ours.contains(&"multipath -C dm-0".to_owned()));

    path.close(&attachment, false).await.unwrap();
    let mut theirs = changes(&section("disconnect"));
    // the disks have no order among them
    let mut ours = changes(&fake.log()[ours.len()..]);
    assert!(theirs.len() >= 10);
    theirs.sort();
    ours.sort();
    assert_eq!(ours, theirs);
    assert_eq!((fake.blocks().len(), fake.sessions()), (0, 0));
}
