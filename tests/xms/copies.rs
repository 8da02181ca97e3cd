//! Snapshots, copies and growth over HTTPS against the simulator: what they cost, and what breaks
//! between the two calls of a copy leave.

use cinder_volume_xtremio::backend::{Backend, BackendError, NewVolume, XtremIo};
use cinder_volume_xtremio::sim::{Fault, FaultAction, FaultMatch, XmsVersion};

use super::fake;
use crate::support::xms::{PASSWORD, TestXms};

const RELEASES: [(XmsVersion, u64); 4] = [
    (XmsVersion::V30, 1),
    (XmsVersion::V40, 2),
    (XmsVersion::V42, 2),
    (XmsVersion::V63, 2),
];

fn volume(name: &str, size_gib: u64, source_size_gib: Option<u64>) -> NewVolume {
    NewVolume {
        name: name.to_owned(),
        size_gib,
        group: None,
        source_size_gib,
    }
}

/// An array that has met its XMS, with a volume `v` of 2 GiB.
async fn warm(version: XmsVersion) -> (TestXms, XtremIo) {
    let xms = TestXms::start(version).await;
    let mut client = fake::client(xms.sim.url.clone());
    client.password = PASSWORD.into();
    let array = fake::array(client);
    let made = array.create_volume(&volume("v", 2, None)).await;
    made.expect("made");
    xms.sim.reset_stats();
    (xms, array)
}

fn names(xms: &TestXms) -> Vec<String> {
    let state = xms.sim.state();
    let volumes = state["clusters"][0]["volumes"].as_array().unwrap().iter();
    let mut names: Vec<String> = volumes
        .map(|volume| volume["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn copies_and_growth_cost_at_most_so_many_calls() {
    for (version, copy) in RELEASES {
        let (xms, array) = warm(version).await;
        let calls = |what: &str, most: u64| {
            let stats = xms.sim.stats();
            assert_eq!(stats.requests, most, "{version}: {what}");
            assert!(stats.unfiltered_lists.is_empty(), "{version}: {what}");
            xms.sim.reset_stats();
        };
        array.create_snapshot("s", "v").await.expect("snapshot");
        calls("snapshot", copy);
        let same = volume("same", 2, Some(2));
        array.create_volume_from(&same, "s").await.expect("copy");
        calls("copy of the same size", copy);
        let grown = volume("grown", 5, Some(2));
        array.create_volume_from(&grown, "v").await.expect("clone");
        calls("larger clone", copy + 1);
        array.extend_volume("v", 3).await.expect("extended");
        calls("extend", 1);
        array.delete_snapshot("s", "v").await.expect("deleted");
        calls("delete of a snapshot", 2);
        for name in ["same", "grown", "v"] {
            array.delete_volume(name).await.expect("deleted");
            calls("delete of a volume", 2);
        }
        assert!(names(&xms).is_empty(), "{:?}", names(&xms));
    }
}

/// The array refuses the rename: a repeat finishes the copy, a delete undoes it.
#[tokio::test]
async fn an_interim_name_is_finished_or_undone() {
    for (version, _) in &RELEASES[1..] {
        let (xms, array) = warm(*version).await;
        let refused = || {
            xms.sim.add_fault(Fault {
                matching: FaultMatch {
                    method: Some("PUT".to_owned()),
                    ..FaultMatch::default()
                },
                action: FaultAction::Status(400),
                times: Some(1),
            });
        };
        refused();
        let broken = array.create_snapshot("s", "v").await;
        assert!(broken.is_err(), "{version}");
        assert_eq!(names(&xms), ["v", "v.s"], "{version}");
        array.create_snapshot("s", "v").await.expect("finished");
        assert_eq!(names(&xms), ["s", "v"], "{version}");
        refused();
        let broken = array.create_snapshot("t", "v").await;
        assert!(broken.is_err(), "{version}");
        array.delete_snapshot("t", "v").await.expect("undone");
        assert_eq!(names(&xms), ["s", "v"], "{version}");
    }
}

#[tokio::test]
async fn what_is_somebody_elses_is_neither_taken_nor_deleted() {
    for (version, _) in RELEASES {
        let (xms, array) = warm(version).await;
        let other = array.create_volume(&volume("s", 1, None)).await;
        other.expect("made");
        let taken = array.create_snapshot("s", "v").await;
        assert!(
            matches!(taken, Err(BackendError::Conflict { .. })),
            "{version}: {taken:?}"
        );
        assert_eq!(names(&xms), ["s", "v"], "{version}");
        let missing = array.create_snapshot("t", "gone").await;
        assert!(
            matches!(&missing, Err(BackendError::NotFound { name }) if name == "gone"),
            "{version}: {missing:?}"
        );
    }
}
