//! A host in several groups sees a volume under one LUN.

use cinder_volume_xtremio::backend::{Backend, BackendError};
use cinder_volume_xtremio::sim::{Fault, FaultAction, FaultMatch};
use serde_json::json;

use super::*;

/// Two groups of one host, each with LUNs of its own in use.
async fn two_groups(lab: &Lab) {
    lab.volumes(&["v1", "a1", "a2", "b1", "b2"]).await;
    lab.group("a", &["21:00:00:1b:32:81:7c:5f"]).await;
    lab.group("b, too", &["21:00:00:1b:32:81:7c:60"]).await;
    lab.map("a1", "a", 1).await;
    lab.map("a2", "a", 3).await;
    lab.map("b1", "b, too", 2).await;
}

const OTHERS: [&str; 3] = ["a1 a 1", "a2 a 3", "b1 b, too 2"];

fn with_others(own: &[&str]) -> Vec<String> {
    let mut all: Vec<String> = OTHERS.iter().chain(own).map(|s| (*s).to_owned()).collect();
    all.sort();
    all
}

#[tokio::test]
async fn the_lun_is_free_in_all_groups() {
    for lab in Lab::all().await {
        two_groups(&lab).await;
        let array = lab.fc();
        let data = attach(&array, "v1", &fc_host()).await;
        assert_eq!(data["target_lun"], 4);
        let both = with_others(&["v1 a 4", "v1 b, too 4"]);
        assert_eq!(lab.mapped(), both);
        assert_eq!(attach(&lab.fc(), "v1", &fc_host()).await, data);
        assert_eq!(lab.mapped(), both);
        detach(&array, "v1", &fc_host()).await;
        assert_eq!(lab.mapped(), OTHERS);
        detach(&array, "v1", &fc_host()).await;
    }
}

#[tokio::test]
async fn an_existing_mapping_decides_the_lun() {
    for lab in Lab::all().await {
        two_groups(&lab).await;
        lab.map("v1", "b, too", 9).await;
        let data = attach(&lab.fc(), "v1", &fc_host()).await;
        assert_eq!(data["target_lun"], 9);
        assert_eq!(lab.mapped(), with_others(&["v1 a 9", "v1 b, too 9"]));
    }
}

#[tokio::test]
async fn a_lun_that_cannot_be_had_in_all_groups_is_a_conflict() {
    for lab in Lab::all().await {
        two_groups(&lab).await;
        lab.map("v1", "b, too", 3).await;
        let before = lab.mapped();
        let array = lab.fc();
        let error = array.initialize_connection("v1", &fc_host()).await;
        assert!(
            matches!(error, Err(BackendError::Conflict { .. })),
            "{error:?}"
        );
        assert_eq!(lab.mapped(), before, "a live disk is not moved");
        lab.map("v1", "a", 8).await;
        let error = array.initialize_connection("v1", &fc_host()).await;
        let Err(BackendError::Conflict { reason, .. }) = error else {
            panic!("{error:?}");
        };
        assert!(reason.contains("several LUNs"), "{reason}");
        detach(&array, "v1", &fc_host()).await;
        assert_eq!(lab.mapped(), OTHERS);
    }
}

#[tokio::test]
async fn who_loses_the_race_for_a_lun_takes_another_in_all_groups() {
    for version in RELEASES {
        let lab = Lab::start(version).await;
        two_groups(&lab).await;
        // Held between the choice of LUN 4 and its request, while somebody takes it in one group.
        lab.xms.sim.reset_stats();
        lab.xms.sim.add_fault(Fault {
            matching: FaultMatch {
                method: Some("POST".into()),
                kind: Some("lun-maps".into()),
                name: Some("v1".into()),
            },
            action: FaultAction::Hang,
            times: None,
        });
        let array = lab.fc();
        let host = fc_host();
        let meanwhile = async {
            lab.until_asked("POST lun-maps", 1).await;
            lab.map("b2", "b, too", 4).await;
            lab.xms.sim.clear_faults();
        };
        let (data, ()) = tokio::join!(attach(&array, "v1", &host), meanwhile);
        assert_eq!(data["target_lun"], 5, "{version}");
        let expected = with_others(&["b2 b, too 4", "v1 a 5", "v1 b, too 5"]);
        assert_eq!(lab.mapped(), expected);
    }
}

#[tokio::test]
async fn many_volumes_at_once_get_luns_of_their_own() {
    for version in RELEASES {
        let lab = Lab::start(version).await;
        two_groups(&lab).await;
        let names: Vec<String> = (0..6).map(|n| format!("n{n}")).collect();
        for name in &names {
            lab.make("volumes", json!({"vol-name": name, "vol-size": "1g"}))
                .await;
        }
        // Two processes.
        let (one, two) = (lab.fc(), lab.fc());
        let host = fc_host();
        let attaches = names.iter().enumerate().map(|(n, name)| {
            let array = if n % 2 == 0 { &one } else { &two };
            attach(array, name, &host)
        });
        let data = futures::future::join_all(attaches).await;
        let mut luns: Vec<u64> = data
            .iter()
            .map(|data| data["target_lun"].as_u64().unwrap())
            .collect();
        luns.sort_unstable();
        luns.dedup();
        assert_eq!(luns.len(), names.len(), "{version}");
        for (name, data) in names.iter().zip(&data) {
            let lun = &data["target_lun"];
            for group in ["a", "b, too"] {
                let wanted = format!("{name} {group} {lun}");
                assert!(lab.mapped().contains(&wanted), "{version}: {wanted}");
            }
        }
    }
}
