//! Which dialect and which cluster, and when that is asked again.

use cinder_volume_xtremio::backend::{Backend, BackendError};
use cinder_volume_xtremio::xms::{Dialect, Xms, XmsError};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::fake::*;

async fn all(server: &MockServer) -> Vec<String> {
    server
        .received_requests()
        .await
        .unwrap()
        .iter()
        .map(line)
        .collect()
}

#[tokio::test]
async fn the_dialect_follows_the_versions_with_three_calls_at_most() {
    for (cluster, xms_version, dialect, calls) in [
        ("3.0.3-11", "", Dialect::V1, 2),
        ("4.0.2-80", "4.0.2-80", Dialect::V2, 3),
        ("4.0.15-24", "4.2.1-11", Dialect::V2Filters, 3),
        ("6.3.2-8_X2", "6.3.2-8_X2", Dialect::V6, 3),
    ] {
        let server = xms(cluster, xms_version).await;
        let xms = Xms::new(client(server.uri())).unwrap();
        let session = xms.session().await.expect(cluster);
        assert_eq!(session.dialect, dialect);
        assert_eq!(session.cluster, "xbrick");
        assert_eq!(session.cluster_version.to_string(), cluster);
        let expected = [
            format!("GET {V1}/clusters"),
            format!("GET {V1}/clusters?name=xbrick"),
            format!("GET {V1}/xms/1"),
        ];
        assert_eq!(all(&server).await, expected[..calls]);
        xms.session().await.expect("cached");
        assert_eq!(all(&server).await.len(), calls);
    }
}

#[tokio::test]
async fn first_callers_at_once_detect_once() {
    let server = xms("4.2.0-33", "4.2.0-33").await;
    let xms = Xms::new(client(server.uri())).unwrap();
    for session in futures::future::join_all((0..20).map(|_| xms.session())).await {
        session.expect("session");
    }
    assert_eq!(all(&server).await.len(), 3);
}

#[tokio::test]
async fn several_clusters_without_the_option_is_a_configuration_error() {
    let server = MockServer::start().await;
    detection(&server, &["north", "south"], "4.2.0-33", "4.2.0-33").await;
    let error = array(client(server.uri())).setup().await.unwrap_err();
    let BackendError::Config { reason } = &error else {
        panic!("{error:?}");
    };
    assert!(
        reason.contains("xtremio_cluster_name") && reason.contains("north, south"),
        "{reason}"
    );
    assert_eq!(
        all(&server).await.len(),
        1,
        "no cluster is looked at, least of all the first"
    );
}

#[tokio::test]
async fn an_unknown_cluster_is_a_configuration_error_that_lists_the_known() {
    let server = MockServer::start().await;
    detection(&server, &["north", "south"], "4.2.0-33", "4.2.0-33").await;
    let mut options = client(server.uri());
    options.cluster_name = Some("west".to_owned());
    let error = array(options).setup().await.unwrap_err();
    assert!(matches!(error, BackendError::Config { .. }), "{error:?}");
    assert!(
        error
            .to_string()
            .contains("\"west\", its clusters are: north, south"),
        "{error}"
    );
}

#[tokio::test]
async fn the_configured_cluster_is_the_one_used() {
    let server = MockServer::start().await;
    detection(&server, &["north", "south"], "4.2.0-33", "4.2.0-33").await;
    volumes(&server, "GET", V2, ok(&volume(2)), None).await;
    let mut options = client(server.uri());
    options.cluster_name = Some("south".to_owned());
    let xms = Xms::new(options).unwrap();
    xms.volumes().get("v1").await.expect("volume");
    assert!(asked(&server).await[0].contains("cluster-name=south"));
}

#[tokio::test]
async fn an_array_that_is_too_old_or_without_clusters_is_refused() {
    for (names, version, hint) in [
        (&["xbrick"][..], "2.4.1-8", "XIOS 2.4.1-8, 3.0.0 or later"),
        (&[][..], "4.0.2-80", "manages no cluster"),
    ] {
        let server = MockServer::start().await;
        detection(&server, names, version, version).await;
        let error = array(client(server.uri())).setup().await.unwrap_err();
        assert!(matches!(error, BackendError::Config { .. }), "{error:?}");
        assert!(error.to_string().contains(hint), "{error}");
    }
}

#[tokio::test]
async fn an_unreadable_version_is_no_version() {
    let server = xms("devel", "4.2.0-33").await;
    let error = Xms::new(client(server.uri()))
        .unwrap()
        .session()
        .await
        .unwrap_err();
    assert!(matches!(error, XmsError::Protocol { .. }), "{error:?}");
    assert!(
        error.to_string().contains("sys-sw-version is \"devel\""),
        "{error}"
    );
}

#[tokio::test]
async fn a_surprise_makes_the_next_call_detect_anew() {
    for message in [
        "sys_not_found",
        "cluster_id_is_required",
        "Command Syntax Error: Invalid property cluster-id",
    ] {
        let server = xms("4.2.0-33", "4.2.0-33").await;
        volumes(&server, "GET", V2, refusal(message), Some(1)).await;
        volumes(&server, "GET", V2, ok(&volume(2)), None).await;
        let xms = Xms::new(client(server.uri())).unwrap();
        xms.volumes().get("v1").await.unwrap_err();
        xms.volumes().get("v1").await.expect("after detection");
        assert_eq!(all(&server).await.len(), 3 + 1 + 3 + 1, "{message}");
    }
}

#[tokio::test]
async fn an_ordinary_refusal_is_no_surprise() {
    let server = xms("4.2.0-33", "4.2.0-33").await;
    volumes(&server, "GET", V2, refusal("vol_obj_not_found"), Some(1)).await;
    volumes(&server, "GET", V2, refusal("something_new"), Some(1)).await;
    volumes(&server, "GET", V2, ok(&volume(2)), None).await;
    let xms = Xms::new(client(server.uri())).unwrap();
    xms.volumes().get("v1").await.unwrap_err();
    xms.volumes().get("v1").await.unwrap_err();
    xms.volumes().get("v1").await.expect("volume");
    assert_eq!(all(&server).await.len(), 3 + 3);
}

#[tokio::test]
async fn a_wrong_address_is_no_array() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path(format!("{V1}/clusters")))
        .respond_with(ResponseTemplate::new(404).set_body_string("<html>not here</html>"))
        .mount(&server)
        .await;
    let error = array(client(server.uri())).setup().await.unwrap_err();
    assert!(
        error.to_string().contains("refused with status 404"),
        "{error}"
    );
}
