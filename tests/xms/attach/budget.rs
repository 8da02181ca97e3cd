//! What attaching costs: calls by the simulator's counters, of a process that knows the host.

use cinder_volume_xtremio::backend::Backend as _;
use cinder_volume_xtremio::sim::XmsVersion;

use super::*;

/// Calls of an attach, of one repeated, of a detach.
#[derive(Debug, PartialEq, Eq)]
struct Cost {
    attach: u64,
    again: u64,
    detach: u64,
}

async fn cost(lab: &Lab, array: &XtremIo, host: &Connector) -> Cost {
    lab.volumes(&["first", "second"]).await;
    attach(array, "first", host).await;
    let sim = &lab.xms.sim;
    let calls = || {
        let calls = sim.stats().requests;
        sim.reset_stats();
        calls
    };
    calls();
    attach(array, "second", host).await;
    let attach_calls = calls();
    attach(array, "second", host).await;
    let again = calls();
    detach(array, "second", host).await;
    Cost {
        attach: attach_calls,
        again,
        detach: calls(),
    }
}

#[tokio::test]
async fn a_warm_attach_costs_at_most_so_many_calls() {
    let cost_of = |attach, detach| Cost {
        attach,
        again: attach,
        detach,
    };
    for (version, iscsi, fc) in [
        (XmsVersion::V30, cost_of(3, 2), cost_of(4, 3)),
        (XmsVersion::V40, cost_of(3, 2), cost_of(4, 3)),
        (XmsVersion::V42, cost_of(3, 2), cost_of(3, 2)),
        (XmsVersion::V63, cost_of(3, 2), cost_of(3, 2)),
    ] {
        let lab = Lab::start(version).await;
        assert_eq!(
            cost(&lab, &lab.iscsi(), &iscsi_host()).await,
            iscsi,
            "{version}"
        );
        let lab = Lab::start(version).await;
        assert_eq!(cost(&lab, &lab.fc(), &fc_host()).await, fc, "{version}");
    }
}

/// Lookup, group, initiator, mapping, volume; before them version detection, CHAP mode, portals.
#[tokio::test]
async fn the_first_attach_of_a_new_host_looks_up_nothing_it_made() {
    for version in [XmsVersion::V40, XmsVersion::V42, XmsVersion::V63] {
        let lab = Lab::start(version).await;
        lab.volumes(&["v1"]).await;
        lab.xms.sim.reset_stats();
        attach(&lab.iscsi(), "v1", &iscsi_host()).await;
        let stats = lab.xms.sim.stats();
        let expected = [
            ("GET clusters", 3),
            ("GET initiators", 2),
            ("GET iscsi-portals", 1),
            ("GET volumes", 1),
            ("GET xms", 1),
            ("POST initiator-groups", 1),
            ("POST initiators", 1),
            ("POST lun-maps", 1),
        ];
        let calls: Vec<(&str, u64)> = stats
            .by_type
            .iter()
            .map(|(call, times)| (call.as_str(), *times))
            .collect();
        assert_eq!(calls, expected, "{version}");
    }
}

/// Cost does not grow with what else is on the array.
#[tokio::test]
async fn nothing_is_listed_without_a_filter() {
    for version in [XmsVersion::V40, XmsVersion::V42, XmsVersion::V63] {
        let lab = Lab::start(version).await;
        lab.volumes(&["v1", "v2"]).await;
        lab.group("a", &["21:00:00:1b:32:81:7c:5f"]).await;
        lab.group("b", &["21:00:00:1b:32:81:7c:60"]).await;
        lab.xms.sim.reset_stats();
        for (array, host) in [(lab.iscsi(), iscsi_host()), (lab.fc(), fc_host())] {
            attach(&array, "v1", &host).await;
            attach(&array, "v1", &host).await;
            detach(&array, "v1", &host).await;
            detach(&array, "v1", &host).await;
            attach(&array, "v2", &host).await;
            array.terminate_connection("v2", None).await.unwrap();
        }
        let stats = lab.xms.sim.stats();
        let lists: Vec<&str> = stats.unfiltered_lists.keys().map(String::as_str).collect();
        // Clusters of the XMS and portals of the cluster: a handful of fixed equipment.
        assert_eq!(lists, ["clusters", "iscsi-portals"], "{version}");
        assert_eq!(stats.unfiltered_lists["iscsi-portals"], 1, "{version}");
        assert!(stats.unknown_query.is_empty(), "{:?}", stats.unknown_query);
        assert!(stats.rejected_keys.is_empty(), "{:?}", stats.rejected_keys);
    }
}

/// On 3.x, where lists hold names only, the mappings of strangers are not read one by one.
#[tokio::test]
async fn mappings_of_other_groups_are_not_read_on_3_0() {
    let lab = Lab::start(XmsVersion::V30).await;
    lab.volumes(&["v1", "x1", "x2", "x3", "x4"]).await;
    lab.group("strangers", &["iqn.x:1"]).await;
    for volume in ["x1", "x2", "x3", "x4"] {
        let body = json!({"vol-id": volume, "ig-id": "strangers"});
        lab.make("lun-maps", body).await;
    }
    lab.group("a", &["21:00:00:1b:32:81:7c:5f"]).await;
    lab.group("b", &["21:00:00:1b:32:81:7c:60"]).await;
    lab.map("x1", "a", 1).await;
    lab.xms.sim.reset_stats();
    let data = attach(&lab.fc(), "v1", &fc_host()).await;
    assert_eq!(data["target_lun"], 2);
    // A list for each of the two groups, and the one mapping of theirs.
    assert_eq!(lab.xms.sim.stats().by_type["GET lun-maps"], 3);
}
