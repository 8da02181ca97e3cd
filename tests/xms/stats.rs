//! Capacity figures and the report that is made of them.

use cinder_volume_xtremio::backend::{Backend, pool_name};
use cinder_volume_xtremio::config::{OverSubscription, Protocol};
use serde_json::{Value, json};
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, MockServer};

use super::fake::*;

async fn server(version: &str) -> MockServer {
    let server = xms(version, version).await;
    Mock::given(method("GET"))
        .and(path(format!("{V2}/clusters")))
        .and(query_param("name", "xbrick"))
        .respond_with(ok(&cluster("xbrick", version)))
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn figures_are_the_python_drivers() {
    for (version, groups) in [("3.0.3-11", false), ("4.0.2-80", true), ("6.3.2-8", true)] {
        let server = server(version).await;
        let array = array(client(server.uri()));
        array.setup().await.expect("setup");
        let before = server.received_requests().await.unwrap().len();
        let stats = array.stats().await.expect("stats");
        assert_eq!(
            server.received_requests().await.unwrap().len(),
            before + 1,
            "one call"
        );
        assert_eq!(stats.total_capacity_gb, 7500.0);
        assert_eq!(stats.free_capacity_gb, 6500.0);
        assert_eq!(stats.provisioned_capacity_gb, 100.0);
        assert_eq!(stats.consistency_groups, groups);
        assert_eq!(stats.array_version, version);
    }
}

#[tokio::test]
async fn an_unreadable_capacity_is_an_error_and_not_zero() {
    let server = xms("4.2.0-33", "4.2.0-33").await;
    let mut odd = cluster("xbrick", "4.2.0-33");
    odd["content"]["ud-ssd-space-in-use"] = json!("");
    Mock::given(method("GET"))
        .and(path(format!("{V2}/clusters")))
        .respond_with(ok(&odd))
        .mount(&server)
        .await;
    let error = array(client(server.uri())).stats().await.unwrap_err();
    assert!(
        error.to_string().contains("content.ud-ssd-space-in-use"),
        "{error}"
    );
}

#[tokio::test]
async fn a_cluster_that_was_renamed_is_a_configuration_error() {
    let server = xms("4.2.0-33", "4.2.0-33").await;
    Mock::given(method("GET"))
        .and(path(format!("{V2}/clusters")))
        .respond_with(refusal("obj_not_found"))
        .mount(&server)
        .await;
    let error = array(client(server.uri())).stats().await.unwrap_err();
    assert!(
        error.to_string().contains("knows no cluster \"xbrick\""),
        "{error}"
    );
}

async fn report(protocol: Protocol) -> Value {
    let server = server("4.2.0-33").await;
    let stats = array(client(server.uri())).stats().await.expect("stats");
    Value::Object(stats.capabilities(&section(protocol), 12))
}

#[tokio::test]
async fn the_report_is_one_whole_pool() {
    for (protocol, wire, name) in [
        (Protocol::Iscsi, "iSCSI", "XtremIO_ISCSI"),
        (Protocol::FibreChannel, "FC", "XtremIO"),
    ] {
        assert_eq!(
            report(protocol).await,
            json!({
                "volume_backend_name": name,
                "vendor_name": "Dell EMC",
                "driver_version": "1.0.13",
                "storage_protocol": wire,
                "filter_function": null,
                "goodness_function": null,
                "pools": [{
                    "pool_name": name,
                    "volume_backend_name": name,
                    "vendor_name": "Dell EMC",
                    "driver_version": "1.0.13",
                    "storage_protocol": wire,
                    "total_capacity_gb": 7500.0,
                    "free_capacity_gb": 6500.0,
                    "provisioned_capacity_gb": 100.0,
                    "allocated_capacity_gb": 12,
                    "max_over_subscription_ratio": 20.0,
                    "thin_provisioning_support": true,
                    "thick_provisioning_support": false,
                    "reserved_percentage": 0,
                    "QoS_support": false,
                    "multiattach": true,
                    "consistencygroup_support": true,
                    "cacheable": true,
                }],
            })
        );
    }
}

#[tokio::test]
async fn options_shape_the_report() {
    let server = server("3.0.3-11").await;
    let stats = array(client(server.uri())).stats().await.expect("stats");
    let mut options = section(Protocol::Iscsi);
    options.volume_backend_name = Some("gold".to_owned());
    options.max_over_subscription_ratio = OverSubscription::Auto;
    options.reserved_percentage = 15;
    options.filter_function = Some("volume.size < 10".to_owned());
    let extra = json!({"tier": "ssd", "multiattach": false, "cacheable": false,
                       "pool_name": "x", "allocated_capacity_gb": 99});
    options.extra_capabilities = extra.as_object().unwrap().clone();
    let report = Value::Object(stats.capabilities(&options, 12));
    assert_eq!(report["filter_function"], "volume.size < 10");
    let pool = &report["pools"][0];
    assert_eq!(pool["pool_name"], "gold");
    assert_eq!(pool["max_over_subscription_ratio"], "auto");
    assert_eq!(pool["reserved_percentage"], 15);
    assert_eq!(pool["tier"], "ssd");
    assert_eq!(pool["multiattach"], false);
    assert_eq!(pool["cacheable"], false);
    assert_eq!(pool["allocated_capacity_gb"], 12);
    assert_eq!(pool.get("consistencygroup_support"), None);
    assert_eq!(pool_name(&options), "gold");

    let renamed = json!({"volume_backend_name": "silver"});
    options.extra_capabilities = renamed.as_object().unwrap().clone();
    let report = stats.capabilities(&options, 12);
    assert_eq!(report["pools"][0]["pool_name"], "silver");
    assert_eq!(pool_name(&options), "silver");
}
