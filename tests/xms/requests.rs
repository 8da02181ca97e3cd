//! Exact calls per dialect: what travels, and how little of it.

use cinder_volume_xtremio::backend::{Backend, BackendError, NewVolume};
use serde_json::json;
use wiremock::matchers::{body_json, method, path};
use wiremock::{Mock, ResponseTemplate};

use super::fake::*;

fn plain(gib: u64) -> NewVolume {
    NewVolume {
        name: "v1".to_owned(),
        size_gib: gib,
        group: None,
        source_size_gib: None,
    }
}

fn member() -> NewVolume {
    NewVolume {
        group: Some("g1".to_owned()),
        ..plain(2)
    }
}

#[tokio::test]
async fn create_is_one_call_in_every_dialect() {
    for (version, types, body) in [
        ("3.0.3-11", V1, r#"{"vol-name":"v1","vol-size":"2g"}"#),
        (
            "4.0.2-80",
            V2,
            r#"{"cluster-id":"xbrick","vol-name":"v1","vol-size":"2g"}"#,
        ),
        (
            "4.2.0-33",
            V2,
            r#"{"cluster-id":"xbrick","vol-name":"v1","vol-size":"2g"}"#,
        ),
        (
            "6.3.2-8",
            V2,
            r#"{"cluster-id":"xbrick","vol-name":"v1","vol-size":"2g"}"#,
        ),
    ] {
        let server = xms(version, version).await;
        volumes(&server, "POST", types, created("volumes", 5), None).await;
        array(client(server.uri()))
            .create_volume(&plain(2))
            .await
            .expect(version);
        assert_eq!(
            asked(&server).await,
            [format!("POST {types}/volumes {body}")],
            "{version}"
        );
    }
}

#[tokio::test]
async fn delete_looks_for_mappings_and_deletes() {
    for (version, expected) in [
        (
            "3.0.3-11",
            [
                format!("GET {V1}/volumes?name=v1"),
                format!("DELETE {V1}/volumes?name=v1"),
            ],
        ),
        (
            "4.2.0-33",
            [
                format!(
                    "GET {V2}/volumes?name=v1&cluster-name=xbrick\
                     &prop=num-of-lun-mappings&prop=lun-mapping-list"
                ),
                format!(
                    "DELETE {V2}/volumes?name=v1&cluster-name=xbrick {{\"cluster-id\":\"xbrick\"}}"
                ),
            ],
        ),
    ] {
        let server = xms(version, version).await;
        let types = if version.starts_with('3') { V1 } else { V2 };
        let unmapped = json!({"content": {"num-of-lun-mappings": 0, "lun-mapping-list": []}});
        volumes(&server, "GET", types, ok(&unmapped), None).await;
        // Replies to changes have no body worth parsing.
        volumes(&server, "DELETE", types, ResponseTemplate::new(200), None).await;
        array(client(server.uri()))
            .delete_volume("v1")
            .await
            .expect(version);
        assert_eq!(asked(&server).await, expected, "{version}");
    }
}

#[tokio::test]
async fn deleting_a_missing_volume_is_done() {
    let server = xms("4.0.2-80", "4.0.2-80").await;
    volumes(&server, "GET", V2, refusal("vol_obj_not_found"), None).await;
    array(client(server.uri()))
        .delete_volume("v1")
        .await
        .expect("done");
    assert_eq!(asked(&server).await.len(), 1);
}

#[tokio::test]
async fn a_volume_that_goes_away_between_look_and_delete_is_done() {
    let server = xms("4.0.2-80", "4.0.2-80").await;
    let unmapped = json!({"content": {"num-of-lun-mappings": "0"}});
    volumes(&server, "GET", V2, ok(&unmapped), None).await;
    volumes(&server, "DELETE", V2, refusal("obj_not_found"), None).await;
    array(client(server.uri()))
        .delete_volume("v1")
        .await
        .expect("done");
}

#[tokio::test]
async fn a_mapped_volume_is_never_deleted() {
    let triplet = |name: &str, index: u64| json!(["00ff", name, index]);
    for (content, hint) in [
        (
            json!({"num-of-lun-mappings": 1,
                   "lun-mapping-list": [[triplet("host7", 3), triplet("Default", 1), "4"]]}),
            "host7 as LUN 4",
        ),
        (json!({"num-of-lun-mappings": "2"}), "2 LUN mappings"),
        (
            json!({"num-of-lun-mappings": 0, "lun-mapping-list": [[triplet("h", 3), null, 1]]}),
            "h as LUN 1",
        ),
    ] {
        let server = xms("4.2.0-33", "4.2.0-33").await;
        volumes(&server, "GET", V2, ok(&json!({"content": content})), None).await;
        let error = array(client(server.uri()))
            .delete_volume("v1")
            .await
            .unwrap_err();
        let BackendError::VolumeIsBusy { name, reason } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(name, "v1");
        assert!(reason.contains(hint), "{reason}");
        assert_eq!(asked(&server).await.len(), 1, "only the look");
    }
}

#[tokio::test]
async fn an_unreadable_number_of_mappings_never_counts_as_none() {
    for content in [
        json!({}),
        json!({"num-of-lun-mappings": null}),
        json!({"num-of-lun-mappings": "n/a"}),
    ] {
        let server = xms("4.2.0-33", "4.2.0-33").await;
        volumes(&server, "GET", V2, ok(&json!({"content": content})), None).await;
        let error = array(client(server.uri()))
            .delete_volume("v1")
            .await
            .unwrap_err();
        assert!(matches!(error, BackendError::Array { .. }), "{error:?}");
        assert!(error.to_string().contains("num-of-lun-mappings"), "{error}");
    }
}

#[tokio::test]
async fn a_volume_with_a_scheduler_is_busy() {
    let server = xms("4.2.0-33", "4.2.0-33").await;
    volumes(
        &server,
        "GET",
        V2,
        ok(&json!({"content": {"num-of-lun-mappings": 0}})),
        None,
    )
    .await;
    let reply = refusal("cannot_remove_volume_that_has_a_scheduler");
    volumes(&server, "DELETE", V2, reply, None).await;
    let error = array(client(server.uri()))
        .delete_volume("v1")
        .await
        .unwrap_err();
    assert!(
        matches!(error, BackendError::VolumeIsBusy { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_volume_of_a_group_joins_it() {
    let server = xms("4.0.2-80", "4.0.2-80").await;
    volumes(&server, "POST", V2, created("volumes", 5), None).await;
    Mock::given(method("POST"))
        .and(path(format!("{V2}/consistency-group-volumes")))
        .and(body_json(
            json!({"cg-id": "g1", "vol-id": "v1", "cluster-id": "xbrick"}),
        ))
        .respond_with(created("consistency-group-volumes", 1))
        .mount(&server)
        .await;
    array(client(server.uri()))
        .create_volume(&member())
        .await
        .expect("joined");
    assert_eq!(asked(&server).await.len(), 2);
}

#[tokio::test]
async fn a_volume_found_in_its_group_joins_no_second_time() {
    let server = xms("4.0.2-80", "4.0.2-80").await;
    volumes(
        &server,
        "POST",
        V2,
        refusal("vol_obj_name_not_unique"),
        None,
    )
    .await;
    let found = json!({"content": {"vol-size": "2097152", "ancestor-vol-id": [],
        "related-consistency-groups": [["00ff", "g1", 2]]}});
    volumes(&server, "GET", V2, ok(&found), None).await;
    array(client(server.uri()))
        .create_volume(&member())
        .await
        .expect("done");
    assert_eq!(asked(&server).await.len(), 2);
}

#[tokio::test]
async fn a_refused_second_membership_is_looked_up() {
    for (groups, joined) in [(json!([["00ff", "g1", 2]]), true), (json!([]), false)] {
        let server = xms("4.0.2-80", "4.0.2-80").await;
        volumes(&server, "POST", V2, created("volumes", 5), None).await;
        Mock::given(method("POST"))
            .and(path(format!("{V2}/consistency-group-volumes")))
            .respond_with(refusal("volume_is_in_this_group"))
            .mount(&server)
            .await;
        let found =
            json!({"content": {"vol-size": "2097152", "related-consistency-groups": groups}});
        volumes(&server, "GET", V2, ok(&found), None).await;
        let result = array(client(server.uri())).create_volume(&member()).await;
        assert_eq!(result.is_ok(), joined, "{result:?}");
    }
}

/// Groups that the array does not have are Cinder's alone.
#[tokio::test]
async fn a_volume_of_a_group_that_the_array_lacks_is_as_good() {
    let server = xms("3.0.3-11", "").await;
    volumes(&server, "POST", V1, created("volumes", 5), None).await;
    let old = array(client(server.uri()));
    old.create_volume(&member()).await.expect("in no group");

    for (message, well) in [("cg_obj_not_found", true), ("vol_obj_not_found", false)] {
        let server = xms("4.2.0-33", "4.2.0-33").await;
        volumes(&server, "POST", V2, created("volumes", 5), None).await;
        Mock::given(method("POST"))
            .and(path(format!("{V2}/consistency-group-volumes")))
            .respond_with(refusal(message))
            .mount(&server)
            .await;
        let result = array(client(server.uri())).create_volume(&member()).await;
        assert_eq!(result.is_ok(), well, "{message}: {result:?}");
    }
}

#[tokio::test]
async fn unmanage_renames_as_ever() {
    let server = xms("4.2.0-33", "4.2.0-33").await;
    volumes(&server, "PUT", V2, ResponseTemplate::new(200), None).await;
    array(client(server.uri()))
        .unmanage_volume("v1")
        .await
        .expect("renamed");
    assert_eq!(
        asked(&server).await,
        [format!(
            "PUT {V2}/volumes?name=v1 {{\"cluster-id\":\"xbrick\",\"vol-name\":\"volume-v1-unmanged\"}}"
        )]
    );
}

#[tokio::test]
async fn unmanage_finds_its_own_earlier_work() {
    for (renamed_exists, done) in [(true, true), (false, false)] {
        let server = xms("4.2.0-33", "4.2.0-33").await;
        volumes(&server, "PUT", V2, refusal("vol_obj_not_found"), None).await;
        let look = if renamed_exists {
            ok(&volume(1))
        } else {
            refusal("vol_obj_not_found")
        };
        volumes(&server, "GET", V2, look, None).await;
        let result = array(client(server.uri())).unmanage_volume("v1").await;
        assert_eq!(result.is_ok(), done, "{result:?}");
        if let Err(error) = result {
            assert!(
                matches!(&error, BackendError::NotFound { name } if name == "v1"),
                "{error:?}"
            );
        }
    }
}

#[tokio::test]
async fn limits_of_the_array_are_told_apart_from_faults() {
    for message in ["too_many_objs", "too_many_snapshots_per_vol"] {
        let server = xms("4.2.0-33", "4.2.0-33").await;
        volumes(&server, "POST", V2, refusal(message), None).await;
        let error = array(client(server.uri()))
            .create_volume(&plain(1))
            .await
            .unwrap_err();
        let told_apart = match message {
            "too_many_objs" => matches!(error, BackendError::Full { .. }),
            _ => matches!(error, BackendError::SnapshotLimit { .. }),
        };
        assert!(told_apart, "{message}: {error:?}");
        assert_eq!(asked(&server).await.len(), 1, "not repeated");
    }
}
