//! Answers of a real Glance, and what Cinder makes of them: `tests/data/glance`.

use std::collections::BTreeMap;
use std::path::Path;

use cinder_volume_xtremio::openstack::{Glance, GlanceError, Image, Upload};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::glance::{caller, options, scratch};

fn captured(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/glance")
        .join(format!("{name}.json"));
    let text = std::fs::read_to_string(path).expect("a captured answer");
    serde_json::from_str(&text).expect("JSON")
}

/// Mounts an answer under the request that it was an answer to.
async fn mount(server: &MockServer, answer: &Value) {
    let (method, path) = answer["request"]
        .as_str()
        .and_then(|request| request.split_once(' '))
        .expect("a request");
    let status = answer["status"].as_u64().expect("a status");
    let mut response = ResponseTemplate::new(u16::try_from(status).expect("a status"));
    response = match &answer["body"] {
        Value::String(text) => response.set_body_string(text),
        body => response.set_body_json(body),
    };
    Mock::given(wiremock::matchers::method(method))
        .and(wiremock::matchers::path(path))
        .respond_with(response)
        .mount(server)
        .await;
}

fn glance(server: &MockServer) -> Glance {
    Glance::new(options(&[server.uri()])).expect("a client")
}

#[tokio::test]
async fn volumes_note_what_cinder_notes_of_an_image() {
    for name in ["active", "imported"] {
        let answer = captured(name);
        let server = MockServer::start().await;
        mount(&server, &answer).await;
        let id = answer["body"]["id"].as_str().expect("an id");
        let image = glance(&server).show(&caller(), id).await.expect("an image");
        let wanted: BTreeMap<String, String> =
            serde_json::from_value(answer["volume_glance_metadata"].clone()).expect("pairs");
        assert_eq!(image.volume_metadata(), wanted, "{name}");
        assert_eq!(image.status, "active");
        assert_eq!(image.size, answer["body"]["size"].as_u64());
        assert_eq!(image.os_hash_algo.as_deref(), Some("sha512"));
    }
    for (name, status) in [
        ("queued", "queued"),
        ("cut_after", "queued"),
        ("deactivated", "deactivated"),
    ] {
        let image: Image = serde_json::from_value(captured(name)["body"].clone()).expect("image");
        assert_eq!(image.status, status);
    }
}

/// The bytes whose sums the real Glance has listed.
#[tokio::test]
async fn the_sums_that_glance_lists_are_those_of_its_bytes() {
    let answer = captured("active");
    let server = MockServer::start().await;
    mount(&server, &answer).await;
    let path = answer["body"]["file"].as_str().expect("a path");
    let bytes = (0..=255).cycle().take(10_240).collect::<Vec<u8>>();
    Mock::given(wiremock::matchers::path(path))
        .respond_with(ResponseTemplate::new(200).set_body_bytes(bytes))
        .mount(&server)
        .await;
    let glance = glance(&server);
    let mut image: Image = serde_json::from_value(answer["body"].clone()).expect("an image");
    for strong in [true, false] {
        if !strong {
            image.os_hash_algo = None;
        }
        let (_dir, _path, mut file) = scratch().await;
        let done = glance.download(&caller(), &image, &mut file, |_| ()).await;
        done.expect("the sums agree");
    }
}

#[tokio::test]
async fn an_image_without_bytes_is_not_an_empty_one() {
    let (queued, file) = (captured("queued"), captured("queued_file"));
    let server = MockServer::start().await;
    mount(&server, &file).await;
    let image: Image = serde_json::from_value(queued["body"].clone()).expect("an image");
    assert_eq!(image.size, None);
    let (_dir, _path, mut to) = scratch().await;
    let ended = glance(&server)
        .download(&caller(), &image, &mut to, |_| ())
        .await;
    assert!(
        matches!(&ended, Err(GlanceError::Damaged { reason, .. }) if reason.contains("no bytes")),
        "{ended:?}"
    );
}

#[tokio::test]
async fn refusals_of_a_real_glance_have_their_names() {
    for name in [
        "unknown",
        "no_token",
        "delete_protected",
        "other_deletes",
        "upload_again",
        "too_large",
        "unknown_store",
    ] {
        let answer = captured(name);
        let server = MockServer::start().await;
        mount(&server, &answer).await;
        let request = answer["request"].as_str().expect("a request");
        let id = request.split('/').nth(3).expect("an id");
        let glance = glance(&server);
        let ended = if request.starts_with("GET") {
            glance.show(&caller(), id).await.map(|_| ())
        } else if request.starts_with("DELETE") {
            glance.delete(&caller(), id).await
        } else {
            let described = json!({
                "request": format!("GET /v2/images/{id}"), "status": 200,
                "body": {"id": id, "status": "queued"},
            });
            mount(&server, &described).await;
            let upload = Upload {
                image_id: id.to_owned(),
                store_id: None,
                base_image_ref: None,
            };
            let bytes = std::io::Cursor::new(vec![0; 100]);
            glance.upload(&caller(), &upload, bytes, 100).await
        };
        let error = ended.expect_err(name);
        let right = match name {
            "unknown" => matches!(error, GlanceError::NotFound { .. }),
            "no_token" => matches!(error, GlanceError::NotAuthorized { status: 401, .. }),
            "upload_again" => matches!(error, GlanceError::Refused { status: 409, .. }),
            "unknown_store" => matches!(error, GlanceError::Refused { status: 400, .. }),
            "too_large" => matches!(error, GlanceError::LimitExceeded { .. }),
            _ => matches!(error, GlanceError::NotAuthorized { status: 403, .. }),
        };
        assert!(right, "{name}: {error:?}");
        assert!(error.to_string().contains(id), "{error}");
    }
}

#[test]
fn one_property_of_a_signature_makes_an_image_signed() {
    let signed = |more: Value| {
        let mut body = captured("active")["body"].clone();
        for (key, value) in more.as_object().expect("properties") {
            body[key] = value.clone();
        }
        let image: Image = serde_json::from_value(body).expect("an image");
        image.is_signed()
    };
    // What calls itself verified is not signed by that.
    assert!(!signed(json!({"signature_verified": "True"})));
    assert!(!signed(json!({"img_signature": null})));
    for key in [
        "img_signature",
        "img_signature_hash_method",
        "img_signature_key_type",
        "img_signature_certificate_uuid",
    ] {
        assert!(signed(json!({key: "x"})), "{key}");
    }
    for verify in [true, false] {
        let mut options = options(&["g".to_owned()]);
        options.verify_signatures = verify;
        let glance = Glance::new(options).expect("a client");
        assert_eq!(glance.verifies_signatures(), verify);
    }
}

/// What is no id never becomes a path: a token is not shown to another part of the server.
#[tokio::test]
async fn what_is_no_id_is_not_asked_for() {
    let server = MockServer::start().await;
    let glance = glance(&server);
    for id in ["", "..", "../../v3/auth", "a/b", "a?b", "a b", "%2e%2e"] {
        let shown = glance.show(&caller(), id).await;
        assert!(matches!(shown, Err(GlanceError::NotFound { .. })), "{id}");
        let deleted = glance.delete(&caller(), id).await;
        assert!(matches!(deleted, Err(GlanceError::NotFound { .. })), "{id}");
    }
    let asked = server.received_requests().await.expect("recorded");
    assert!(asked.is_empty(), "{asked:?}");
}
