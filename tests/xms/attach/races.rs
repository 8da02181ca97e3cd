//! First attaches at once, in one process and in several; groups that vanish in between.

use cinder_volume_xtremio::sim::{Fault, FaultAction};
use futures::future::join_all;

use super::*;

const VOLUMES: [&str; 6] = ["v0", "v1", "v2", "v3", "v4", "v5"];

#[tokio::test]
async fn first_attaches_of_one_host_all_succeed() {
    for version in RELEASES {
        for processes in [1, 3] {
            for protocol in [Protocol::Iscsi, Protocol::FibreChannel] {
                let lab = Lab::start(version).await;
                lab.volumes(&VOLUMES).await;
                let options = AttachOptions {
                    protocol,
                    ..AttachOptions::default()
                };
                let arrays: Vec<XtremIo> =
                    (0..processes).map(|_| lab.array(options.clone())).collect();
                let host = match protocol {
                    Protocol::Iscsi => iscsi_host(),
                    Protocol::FibreChannel => fc_host(),
                };
                let attaches = VOLUMES.iter().enumerate();
                let attaches =
                    attaches.map(|(n, volume)| attach(&arrays[n % processes], volume, &host));
                let data = join_all(attaches).await;
                let mut luns: Vec<u64> = data
                    .iter()
                    .map(|data| data["target_lun"].as_u64().unwrap())
                    .collect();
                luns.sort_unstable();
                assert_eq!(luns, [1, 2, 3, 4, 5, 6], "{version} {protocol:?}");
                assert_eq!(lab.groups().len(), 1);
                let known = if protocol == Protocol::Iscsi { 1 } else { 2 };
                assert_eq!(lab.initiators().len(), known);
                if processes == 1 {
                    let made = lab.xms.sim.stats().by_type["POST initiators"];
                    assert_eq!(made, known as u64, "the others waited");
                }
            }
        }
    }
}

/// The group goes while the attach is on its way to map to it; the attach makes it again.
#[tokio::test]
async fn a_group_deleted_under_an_attach_is_made_again() {
    for version in RELEASES {
        for kind in ["lun-maps", "initiators"] {
            let lab = Lab::start(version).await;
            lab.volumes(&["v1"]).await;
            let hang = Fault::on("POST", kind, FaultAction::Hang);
            lab.xms.sim.add_fault(hang);
            let array = lab.iscsi();
            let host = iscsi_host();
            let meanwhile = async {
                lab.until_asked(&format!("POST {kind}"), 1).await;
                let path = format!("types/initiator-groups?name={IQN}");
                lab.xms.delete(&path).await;
                lab.xms.sim.clear_faults();
            };
            let (data, ()) = tokio::join!(attach(&array, "v1", &host), meanwhile);
            assert_eq!(data["target_lun"], 1, "{version} {kind}");
            assert_eq!(lab.mapped(), [format!("v1 {IQN} 1")]);
            assert_eq!(lab.initiators(), [format!("{IQN} {IQN}")]);
        }
    }
}
