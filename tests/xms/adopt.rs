//! A creation is never sent twice blindly, and what is found is adopted only if it fits.

use std::sync::atomic::Ordering;
use std::time::Duration;

use cinder_volume_xtremio::backend::{Backend, BackendError, NewVolume};
use serde_json::json;

use super::fake::*;

fn wanted() -> NewVolume {
    NewVolume {
        name: "v1".to_owned(),
        size_gib: 2,
        group: None,
        source_size_gib: None,
    }
}

const LOOK: &str = "GET /api/json/v2/types/volumes?name=v1&cluster-name=xbrick\
                    &prop=vol-size&prop=ancestor-vol-id&prop=related-consistency-groups";
const POST: &str = "POST /api/json/v2/types/volumes \
                    {\"cluster-id\":\"xbrick\",\"vol-name\":\"v1\",\"vol-size\":\"2g\"}";

#[tokio::test]
async fn an_existing_volume_that_fits_is_adopted() {
    let server = xms("4.2.0-33", "4.2.0-33").await;
    volumes(
        &server,
        "POST",
        V2,
        refusal("vol_obj_name_not_unique"),
        None,
    )
    .await;
    volumes(&server, "GET", V2, ok(&volume(2)), None).await;
    array(client(server.uri()))
        .create_volume(&wanted())
        .await
        .expect("adopted");
    assert_eq!(asked(&server).await, [POST, LOOK]);
}

#[tokio::test]
async fn an_existing_volume_that_differs_is_a_conflict() {
    let snapshot =
        json!({"content": {"vol-size": "2097152", "ancestor-vol-id": ["00ff", "src", 3]}});
    for (found, hint) in [(volume(3), "3145728 KB"), (snapshot, "snapshot of src")] {
        let server = xms("4.2.0-33", "4.2.0-33").await;
        volumes(
            &server,
            "POST",
            V2,
            refusal("vol_obj_name_not_unique"),
            None,
        )
        .await;
        volumes(&server, "GET", V2, ok(&found), None).await;
        let error = array(client(server.uri()))
            .create_volume(&wanted())
            .await
            .unwrap_err();
        let BackendError::Conflict { name, reason } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(name, "v1");
        assert!(reason.contains(hint), "{reason}");
    }
}

#[tokio::test]
async fn a_creation_whose_reply_was_lost_is_found_and_adopted() {
    for fate in [&[Fate::DropReply], &[Fate::HalfReply]] {
        let server = xms("4.2.0-33", "4.2.0-33").await;
        volumes(&server, "POST", V2, created("volumes", 5), None).await;
        volumes(&server, "GET", V2, ok(&volume(2)), None).await;
        let relay = Relay::before(&server, "POST", fate).await;
        array(client(relay.url()))
            .create_volume(&wanted())
            .await
            .expect("adopted");
        assert_eq!(asked(&server).await, [POST, LOOK], "{fate:?}");
    }
}

#[tokio::test]
async fn a_creation_whose_request_was_lost_is_sent_again_after_a_look() {
    let server = xms("4.2.0-33", "4.2.0-33").await;
    volumes(&server, "POST", V2, created("volumes", 5), None).await;
    volumes(&server, "GET", V2, refusal("vol_obj_not_found"), None).await;
    let relay = Relay::before(&server, "POST", &[Fate::DropRequest]).await;
    array(client(relay.url()))
        .create_volume(&wanted())
        .await
        .expect("created");
    assert_eq!(relay.seen.load(Ordering::SeqCst), 2);
    assert_eq!(asked(&server).await, [LOOK, POST]);
}

#[tokio::test]
async fn an_unanswered_creation_with_another_size_on_the_array_is_a_conflict() {
    let server = xms("4.2.0-33", "4.2.0-33").await;
    let slow = created("volumes", 5).set_delay(Duration::from_secs(30));
    volumes(&server, "POST", V2, slow, None).await;
    volumes(&server, "GET", V2, ok(&volume(7)), None).await;
    let mut options = client(server.uri());
    options.call_timeout = Duration::from_millis(300);
    let error = array(options).create_volume(&wanted()).await.unwrap_err();
    assert!(matches!(error, BackendError::Conflict { .. }), "{error:?}");
    assert_eq!(asked(&server).await, [POST, LOOK]);
}

#[tokio::test]
async fn a_late_first_creation_is_adopted_by_the_second() {
    let server = xms("4.2.0-33", "4.2.0-33").await;
    let slow = created("volumes", 5).set_delay(Duration::from_secs(30));
    volumes(&server, "POST", V2, slow, Some(1)).await;
    volumes(
        &server,
        "POST",
        V2,
        refusal("vol_obj_name_not_unique"),
        None,
    )
    .await;
    volumes(&server, "GET", V2, refusal("vol_obj_not_found"), Some(1)).await;
    volumes(&server, "GET", V2, ok(&volume(2)), None).await;
    let mut options = client(server.uri());
    options.call_timeout = Duration::from_millis(300);
    array(options)
        .create_volume(&wanted())
        .await
        .expect("adopted");
    assert_eq!(asked(&server).await, [POST, LOOK, POST, LOOK]);
}

#[tokio::test]
async fn a_busy_array_applied_nothing_so_the_creation_is_just_repeated() {
    let server = xms("4.2.0-33", "4.2.0-33").await;
    volumes(&server, "POST", V2, refusal("system_is_busy"), Some(2)).await;
    volumes(&server, "POST", V2, created("volumes", 5), None).await;
    array(client(server.uri()))
        .create_volume(&wanted())
        .await
        .expect("created");
    assert_eq!(asked(&server).await, [POST, POST, POST]);
}

#[tokio::test]
async fn when_the_look_fails_too_nothing_is_created_again() {
    let server = xms("4.2.0-33", "4.2.0-33").await;
    volumes(
        &server,
        "POST",
        V2,
        wiremock::ResponseTemplate::new(503),
        None,
    )
    .await;
    volumes(
        &server,
        "GET",
        V2,
        wiremock::ResponseTemplate::new(503),
        None,
    )
    .await;
    let error = array(client(server.uri()))
        .create_volume(&wanted())
        .await
        .unwrap_err();
    assert!(
        matches!(error, BackendError::Unavailable { .. }),
        "{error:?}"
    );
    assert_eq!(asked(&server).await, [POST, LOOK, LOOK, LOOK]);
}

#[tokio::test]
async fn the_last_unanswered_creation_is_looked_up_before_giving_up() {
    let server = xms("4.2.0-33", "4.2.0-33").await;
    volumes(
        &server,
        "POST",
        V2,
        wiremock::ResponseTemplate::new(502),
        None,
    )
    .await;
    volumes(&server, "GET", V2, refusal("vol_obj_not_found"), Some(2)).await;
    volumes(&server, "GET", V2, ok(&volume(2)), None).await;
    array(client(server.uri()))
        .create_volume(&wanted())
        .await
        .expect("adopted");
    assert_eq!(asked(&server).await, [POST, LOOK, POST, LOOK, POST, LOOK]);
}

#[tokio::test]
async fn a_name_in_use_that_cannot_be_looked_at_is_no_conflict() {
    let server = xms("4.2.0-33", "4.2.0-33").await;
    volumes(
        &server,
        "POST",
        V2,
        refusal("vol_obj_name_not_unique"),
        None,
    )
    .await;
    volumes(
        &server,
        "GET",
        V2,
        wiremock::ResponseTemplate::new(503),
        None,
    )
    .await;
    let error = array(client(server.uri()))
        .create_volume(&wanted())
        .await
        .unwrap_err();
    assert!(
        matches!(error, BackendError::Unavailable { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_membership_whose_reply_was_lost_is_looked_up() {
    for (groups, posts) in [(json!([["00ff", "g1", 2]]), 1), (json!([]), 2)] {
        let server = xms("4.2.0-33", "4.2.0-33").await;
        volumes(&server, "POST", V2, created("volumes", 5), None).await;
        wiremock::Mock::given(wiremock::matchers::path(format!(
            "{V2}/consistency-group-volumes"
        )))
        .respond_with(created("consistency-group-volumes", 2))
        .mount(&server)
        .await;
        let look =
            json!({"content": {"vol-size": "2097152", "related-consistency-groups": groups}});
        volumes(&server, "GET", V2, ok(&look), None).await;
        let lost = Relay::before(
            &server,
            "POST /api/json/v2/types/consistency-group-volumes",
            &[Fate::DropReply],
        )
        .await;
        let member = NewVolume {
            group: Some("g1".to_owned()),
            ..wanted()
        };
        array(client(lost.url()))
            .create_volume(&member)
            .await
            .expect("joined");
        assert_eq!(lost.seen.load(Ordering::SeqCst), posts, "{groups}");
    }
}
