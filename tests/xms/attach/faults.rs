//! Answers that get lost, arrays that are busy, processes that die in the middle.

use cinder_volume_xtremio::backend::{Backend, BackendError};
use cinder_volume_xtremio::sim::{Fault, FaultAction, XmsVersion};

use super::*;

/// Requests of a first attach that change something, and those that read.
const STEPS: [(&str, &str); 5] = [
    ("GET", "initiators"),
    ("POST", "initiator-groups"),
    ("POST", "initiators"),
    ("POST", "lun-maps"),
    ("GET", "volumes"),
];

fn hosts(lab: &Lab) -> [(XtremIo, Connector); 2] {
    [(lab.iscsi(), iscsi_host()), (lab.fc(), fc_host())]
}

#[tokio::test]
async fn an_attach_goes_on_after_a_lost_answer_and_a_busy_array() {
    for version in RELEASES {
        let lab = Lab::start(version).await;
        for which in [0, 1] {
            let (array, host) = &hosts(&lab)[which];
            for (method, kind) in STEPS {
                for action in [
                    FaultAction::ResetAfter,
                    FaultAction::ResetBefore,
                    FaultAction::Truncate,
                    FaultAction::Busy,
                    FaultAction::Status(502),
                ] {
                    let case = format!("{version} {method} {kind} {action:?}");
                    lab.volumes(&["v1"]).await;
                    lab.xms.sim.reset_stats();
                    let fault = Fault::on(method, kind, action).times(1);
                    lab.xms.sim.add_fault(fault);
                    let data = attach(array, "v1", host).await;
                    assert_eq!(data["target_lun"], 1, "{case}");
                    assert_eq!(lab.mapped().len(), 1, "{case}");
                    assert_eq!(lab.groups().len(), 1, "{case}");
                    assert_eq!(lab.initiators().len(), 1 + which, "{case}");
                    assert_eq!(lab.xms.sim.stats().faults, 1, "{case}");
                    let fault = Fault::on("DELETE", "lun-maps", action).times(1);
                    lab.xms.sim.add_fault(fault);
                    detach(array, "v1", host).await;
                    assert!(lab.mapped().is_empty(), "{case}");
                    assert_eq!(lab.xms.sim.stats().faults, 2, "{case}");
                    lab.xms.sim.reset();
                }
            }
        }
    }
}

/// The process ends at every step, as far as the array can see; the next one goes on.
#[tokio::test]
async fn an_attach_that_ended_anywhere_is_completed_by_the_next() {
    for lab in Lab::all().await {
        for (method, kind) in STEPS {
            for which in [0, 1] {
                lab.volumes(&["v1"]).await;
                lab.xms
                    .sim
                    .add_fault(Fault::on(method, kind, FaultAction::Status(503)));
                let (array, host) = &hosts(&lab)[which];
                let error = array.initialize_connection("v1", host).await.unwrap_err();
                let case = format!("{method} {kind}");
                assert!(
                    matches!(error, BackendError::Unavailable { .. }),
                    "{case}: {error:?}"
                );
                lab.xms.sim.clear_faults();
                let (array, host) = &hosts(&lab)[which];
                assert_eq!(attach(array, "v1", host).await["target_lun"], 1, "{case}");
                assert_eq!(lab.mapped().len(), 1, "{case}");
                assert_eq!(lab.initiators().len(), 1 + which, "{case}");
                lab.xms.sim.reset();
            }
        }
    }
}

#[tokio::test]
async fn a_detach_that_ended_anywhere_is_completed_by_the_next() {
    for lab in Lab::all().await {
        for (method, kind) in [
            ("GET", "initiators"),
            ("GET", "volumes"),
            ("DELETE", "lun-maps"),
        ] {
            lab.volumes(&["v1"]).await;
            attach(&lab.fc(), "v1", &fc_host()).await;
            lab.xms
                .sim
                .add_fault(Fault::on(method, kind, FaultAction::Status(503)));
            // One that did not attach it reads the volume too.
            let array = lab.fc();
            let host = fc_host();
            let ended = array.terminate_connection("v1", Some(&host)).await;
            assert!(ended.is_err(), "{method} {kind}");
            lab.xms.sim.clear_faults();
            detach(&array, "v1", &host).await;
            assert!(lab.mapped().is_empty(), "{method} {kind}");
            lab.xms.sim.reset();
        }
    }
}

#[tokio::test]
async fn a_full_array_is_full_and_leaves_the_lun_map_alone() {
    let lab = Lab::start(XmsVersion::V42).await;
    lab.volumes(&["v1"]).await;
    lab.xms
        .sim
        .add_fault(Fault::on("POST", "lun-maps", FaultAction::Full));
    let error = lab
        .iscsi()
        .initialize_connection("v1", &iscsi_host())
        .await
        .unwrap_err();
    assert!(matches!(error, BackendError::Full { .. }), "{error:?}");
}

/// Ports that went away are not told for longer than one failed attach.
#[tokio::test]
async fn a_failed_attach_reads_the_ports_anew() {
    let lab = Lab::start(XmsVersion::V63).await;
    lab.volumes(&["v1"]).await;
    let array = lab.fc();
    attach(&array, "v1", &fc_host()).await;
    attach(&array, "v1", &fc_host()).await;
    assert_eq!(lab.xms.sim.stats().by_type["GET targets"], 1);
    let error = array.initialize_connection("v9", &fc_host()).await;
    assert!(error.is_err());
    attach(&array, "v1", &fc_host()).await;
    assert_eq!(lab.xms.sim.stats().by_type["GET targets"], 2);
}
