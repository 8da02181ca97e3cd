//! `xtremio_clean_unused_ig`.

use cinder_volume_xtremio::sim::{Fault, FaultAction, XmsVersion};
use futures::future::join_all;

use super::*;

fn cleaning(lab: &Lab) -> XtremIo {
    lab.array(AttachOptions {
        clean_unused_ig: true,
        ..AttachOptions::default()
    })
}

#[tokio::test]
async fn the_last_volume_takes_the_group_along_and_no_other_does() {
    for lab in Lab::all().await {
        lab.volumes(&["v1", "v2"]).await;
        let array = cleaning(&lab);
        let host = iscsi_host();
        attach(&array, "v1", &host).await;
        attach(&array, "v2", &host).await;
        detach(&array, "v1", &host).await;
        assert_eq!(lab.groups(), [IQN]);
        detach(&array, "v2", &host).await;
        assert!(lab.groups().is_empty() && lab.initiators().is_empty());
        detach(&array, "v2", &host).await;
        let data = attach(&array, "v1", &host).await;
        assert_eq!(data["target_lun"], 1);
        array.terminate_connection("v1", None).await.unwrap();
        assert!(lab.groups().is_empty());
    }
}

#[tokio::test]
async fn a_group_that_cannot_be_cleaned_does_not_fail_the_detach() {
    for (method, action) in [
        ("GET", FaultAction::Status(503)),
        ("DELETE", FaultAction::Busy),
        ("DELETE", FaultAction::Full),
    ] {
        let lab = Lab::start(XmsVersion::V42).await;
        lab.volumes(&["v1"]).await;
        let array = cleaning(&lab);
        attach(&array, "v1", &iscsi_host()).await;
        let fault = Fault::on(method, "initiator-groups", action);
        lab.xms.sim.add_fault(fault);
        detach(&array, "v1", &iscsi_host()).await;
        assert!(lab.mapped().is_empty());
        assert_eq!(lab.groups(), [IQN]);
        assert!(lab.xms.sim.stats().faults > 0);
    }
}

/// Attaches and detaches of one host at once, in two processes: every attach ends mapped.
#[tokio::test]
async fn attaches_survive_the_cleaning_of_their_group() {
    for version in RELEASES {
        let lab = Lab::start(version).await;
        let arrays = [cleaning(&lab), cleaning(&lab)];
        let host = iscsi_host();
        for round in 0..8 {
            let (old, new) = (format!("old{round}"), format!("new{round}"));
            lab.volumes(&[&old, &new]).await;
            attach(&arrays[0], &old, &host).await;
            let (data, ()) = tokio::join!(
                attach(&arrays[round % 2], &new, &host),
                detach(&arrays[0], &old, &host)
            );
            let lun = &data["target_lun"];
            assert_eq!(lab.mapped(), [format!("{new} {IQN} {lun}")], "{version}");
            detach(&arrays[1], &new, &host).await;
        }
        assert!(lab.groups().is_empty());
        let names: Vec<String> = (0..8).map(|round| format!("new{round}")).collect();
        let churn = names.iter().enumerate().map(|(n, name)| {
            let (array, host) = (&arrays[n % 2], &host);
            async move {
                for _ in 0..3 {
                    attach(array, name, host).await;
                    detach(array, name, host).await;
                }
            }
        });
        join_all(churn).await;
        assert!(lab.mapped().is_empty());
    }
}
