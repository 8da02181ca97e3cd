//! Reads, deletes and bad replies: what is repeated, how often, and what it ends in.

use std::time::{Duration, Instant};

use cinder_volume_xtremio::backend::{Backend, BackendError, NewVolume};
use cinder_volume_xtremio::xms::{Xms, XmsError};
use serde_json::json;
use wiremock::ResponseTemplate;

use super::fake::*;

#[tokio::test]
async fn a_busy_array_is_asked_again_until_the_tries_are_used_up() {
    let server = xms("4.2.0-33", "4.2.0-33").await;
    volumes(&server, "GET", V2, refusal("system_is_busy"), Some(2)).await;
    volumes(&server, "GET", V2, ok(&volume(2)), None).await;
    let xms = Xms::new(client(server.uri())).unwrap();
    xms.volumes().get("v1").await.expect("third try");
    assert_eq!(asked(&server).await.len(), 3);

    let server = super::fake::xms("4.2.0-33", "4.2.0-33").await;
    volumes(&server, "DELETE", V2, refusal("system_is_busy"), None).await;
    let xms = Xms::new(client(server.uri())).unwrap();
    let error = xms.volumes().delete("v1").await.unwrap_err();
    assert!(
        matches!(error, XmsError::Busy { tries: 3, .. }),
        "{error:?}"
    );
    assert_eq!(asked(&server).await.len(), 3);
}

#[tokio::test]
async fn the_busy_options_have_their_documented_meaning() {
    // 4 tries with pauses of 60 ms (jittered by a quarter), not 60 tries with pauses of 4 ms.
    let server = xms("4.2.0-33", "4.2.0-33").await;
    volumes(&server, "GET", V2, refusal("system_is_busy"), None).await;
    let mut options = client(server.uri());
    options.retry.busy_tries = 4;
    options.retry.busy_interval = Duration::from_millis(60);
    let xms = Xms::new(options).unwrap();
    xms.session().await.expect("session");
    let started = Instant::now();
    xms.volumes().get("v1").await.unwrap_err();
    assert!(
        started.elapsed() >= Duration::from_millis(3 * 45),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(asked(&server).await.len(), 4);
}

#[tokio::test]
async fn a_connection_that_died_in_silence_speaks_for_the_whole_pool() {
    let server = xms("4.2.0-33", "4.2.0-33").await;
    let slow = ok(&volume(2)).set_delay(Duration::from_millis(50));
    volumes(&server, "GET", V2, slow, None).await;
    let relay = crate::support::relay::Relay::to(*server.address()).await;
    let mut options = client(format!("http://{}", relay.addr()));
    options.call_timeout = Duration::from_secs(1);
    options.retry.unanswered_tries = 2;
    options.concurrency = 8;
    let xms = Xms::new(options).unwrap();
    let reads = || async { xms.volumes().get("v1").await };
    let many = futures::future::join_all((0..8).map(|_| reads())).await;
    assert!(many.iter().all(Result::is_ok), "{many:?}");
    assert!(
        relay.accepted() > 2,
        "only {} connections",
        relay.accepted()
    );
    relay.strand();
    reads()
        .await
        .expect("the second try has a connection of its own");
}

#[tokio::test]
async fn reads_are_repeated_after_5xx_resets_and_timeouts() {
    let server = xms("4.2.0-33", "4.2.0-33").await;
    volumes(&server, "GET", V2, ResponseTemplate::new(503), Some(1)).await;
    let slow = ok(&volume(2)).set_delay(Duration::from_secs(30));
    volumes(&server, "GET", V2, slow, Some(1)).await;
    volumes(&server, "GET", V2, ok(&volume(2)), None).await;
    let mut options = client(server.uri());
    options.call_timeout = Duration::from_millis(300);
    Xms::new(options)
        .unwrap()
        .volumes()
        .get("v1")
        .await
        .expect("third try");
    assert_eq!(asked(&server).await.len(), 3);

    let server = xms("4.2.0-33", "4.2.0-33").await;
    volumes(&server, "GET", V2, ok(&volume(2)), None).await;
    let relay = Relay::before(
        &server,
        "GET /api/json/v2",
        &[Fate::DropRequest, Fate::HalfReply],
    )
    .await;
    let xms = Xms::new(client(relay.url())).unwrap();
    xms.volumes().get("v1").await.expect("third try");
    assert_eq!(asked(&server).await.len(), 2);
}

#[tokio::test]
async fn tries_have_an_end() {
    let server = xms("4.2.0-33", "4.2.0-33").await;
    volumes(&server, "GET", V2, ResponseTemplate::new(500), None).await;
    let xms = Xms::new(client(server.uri())).unwrap();
    let error = xms.volumes().get("v1").await.unwrap_err();
    assert!(
        matches!(error, XmsError::Unavailable { status: 500, .. }),
        "{error:?}"
    );
    assert!(error.is_transient());
    assert_eq!(asked(&server).await.len(), 3);
}

#[tokio::test]
async fn a_delete_that_finds_nothing_the_second_time_is_done() {
    let server = xms("4.2.0-33", "4.2.0-33").await;
    volumes(&server, "DELETE", V2, ResponseTemplate::new(200), Some(1)).await;
    volumes(&server, "DELETE", V2, refusal("vol_obj_not_found"), None).await;
    let relay = Relay::before(&server, "DELETE", &[Fate::DropReply]).await;
    let xms = Xms::new(client(relay.url())).unwrap();
    xms.volumes()
        .delete("v1")
        .await
        .expect("done by the first try");
    assert_eq!(asked(&server).await.len(), 2);
}

#[tokio::test]
async fn a_delete_that_finds_nothing_at_first_says_so() {
    for before in [None, Some("system_is_busy")] {
        let server = xms("4.2.0-33", "4.2.0-33").await;
        // A busy array applied nothing: the next not-found is the first word on the object.
        if let Some(message) = before {
            volumes(&server, "DELETE", V2, refusal(message), Some(1)).await;
        }
        volumes(&server, "DELETE", V2, refusal("vol_obj_not_found"), None).await;
        let xms = Xms::new(client(server.uri())).unwrap();
        let error = xms.volumes().delete("v1").await.unwrap_err();
        assert!(matches!(error, XmsError::NotFound { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_rename_whose_reply_was_lost_is_recognised_by_the_new_name() {
    let server = xms("4.2.0-33", "4.2.0-33").await;
    volumes(&server, "PUT", V2, ResponseTemplate::new(200), Some(1)).await;
    volumes(&server, "PUT", V2, refusal("vol_obj_not_found"), None).await;
    volumes(&server, "GET", V2, ok(&volume(2)), None).await;
    let relay = Relay::before(&server, "PUT", &[Fate::DropReply]).await;
    let xms = Xms::new(client(relay.url())).unwrap();
    xms.volumes()
        .rename("v1", "v2")
        .await
        .expect("renamed by the first try");
}

#[tokio::test]
async fn refused_credentials_are_final_and_not_sent_again() {
    let server = xms("4.2.0-33", "4.2.0-33").await;
    volumes(&server, "POST", V2, ResponseTemplate::new(401), None).await;
    let array = array(client(server.uri()));
    let volume = NewVolume {
        name: "v1".to_owned(),
        size_gib: 1,
        group: None,
        source_size_gib: None,
    };
    for _ in 0..5 {
        let error = array.create_volume(&volume).await.unwrap_err();
        assert!(
            matches!(&error, BackendError::Auth { user } if user == "admin"),
            "{error:?}"
        );
    }
    assert_eq!(
        asked(&server).await.len(),
        1,
        "each more could lock the account"
    );
}

#[tokio::test]
async fn pages_and_torn_json_are_errors_that_name_the_call() {
    for body in ["<html>restarting</html>", "{\"content\": {\"vol-si", ""] {
        let server = xms("4.2.0-33", "4.2.0-33").await;
        let page = ResponseTemplate::new(200).set_body_string(body);
        volumes(&server, "GET", V2, page, None).await;
        let error = Xms::new(client(server.uri()))
            .unwrap()
            .volumes()
            .get("v1")
            .await
            .unwrap_err();
        assert!(matches!(error, XmsError::Protocol { .. }), "{error:?}");
        assert!(
            error
                .to_string()
                .starts_with("GET volumes name=v1: unreadable"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_proxy_page_before_a_good_reply_is_survived() {
    let server = xms("4.2.0-33", "4.2.0-33").await;
    let page = ResponseTemplate::new(200).set_body_string("<html>restarting</html>");
    volumes(&server, "GET", V2, page, Some(1)).await;
    volumes(&server, "GET", V2, ok(&volume(2)), None).await;
    Xms::new(client(server.uri()))
        .unwrap()
        .volumes()
        .get("v1")
        .await
        .expect("second try");
}

#[tokio::test]
async fn html_errors_keep_their_status_and_hide_their_page() {
    let server = xms("4.2.0-33", "4.2.0-33").await;
    let page = ResponseTemplate::new(418).set_body_string("<html>teapot</html>");
    volumes(&server, "GET", V2, page, None).await;
    let error = Xms::new(client(server.uri()))
        .unwrap()
        .volumes()
        .get("v1")
        .await
        .unwrap_err();
    assert!(
        matches!(error, XmsError::Refused { status: 418, .. }),
        "{error:?}"
    );
    assert!(!error.to_string().contains("teapot"), "{error}");
}

#[tokio::test]
async fn a_wrong_field_is_named_with_its_path() {
    let server = xms("4.2.0-33", "4.2.0-33").await;
    let odd = json!({"content": {"vol-size": "lots"}});
    volumes(&server, "GET", V2, ok(&odd), None).await;
    let error = Xms::new(client(server.uri()))
        .unwrap()
        .volumes()
        .get("v1")
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("content.vol-size: not a size in KB"),
        "{error}"
    );
    assert_eq!(
        asked(&server).await.len(),
        1,
        "a whole reply is not asked for again"
    );
}

#[tokio::test]
async fn an_xms_that_is_away_is_unreachable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = array(client(format!("http://{address}")))
        .setup()
        .await
        .unwrap_err();
    assert!(
        matches!(error, BackendError::Unavailable { .. }),
        "{error:?}"
    );
    assert!(
        error.to_string().contains("no connection to the XMS"),
        "{error}"
    );
}

#[tokio::test]
async fn an_xms_that_hangs_up_is_unavailable_and_tells_the_call() {
    let server = xms("4.2.0-33", "4.2.0-33").await;
    let relay = Relay::before(&server, "GET", &[Fate::DropRequest; 9]).await;
    let error = array(client(relay.url())).setup().await.unwrap_err();
    let BackendError::Unavailable { reason, source } = &error else {
        panic!("{error:?}");
    };
    assert!(reason.contains("GET clusters: connection lost"), "{reason}");
    assert!(source.is_some());
    assert_eq!(relay.seen.load(std::sync::atomic::Ordering::SeqCst), 3);
}

#[tokio::test]
async fn no_more_calls_are_in_flight_than_allowed() {
    let server = xms("4.2.0-33", "4.2.0-33").await;
    let slow = ok(&volume(2)).set_delay(Duration::from_millis(100));
    volumes(&server, "GET", V2, slow, None).await;
    let mut options = client(server.uri());
    options.concurrency = 2;
    let xms = Xms::new(options).unwrap();
    xms.session().await.expect("session");
    let started = Instant::now();
    let volumes = xms.volumes();
    let calls = (0..6).map(|_| volumes.get("v1"));
    for result in futures::future::join_all(calls).await {
        result.expect("served");
    }
    assert!(
        started.elapsed() >= Duration::from_millis(300),
        "{:?}",
        started.elapsed()
    );
}
