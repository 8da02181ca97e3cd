//! What is said to keystone and Nova, word by word. The end-to-end run asks a real keystone.

mod glance;
mod glance_cut;
mod glance_tls;
mod glance_vectors;

use cinder_volume_xtremio::config::ServiceAccess;
use cinder_volume_xtremio::openstack::{Nova, OpenStackError};
use serde_json::{Value, json};
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::config::base_and;

const TOKEN: &str = "gAAAA-token";
const SERVER: &str = "11111111-2222-3333-4444-555555555555";

/// Options of `[nova]` as an operator writes them.
fn access(server: &MockServer, more: &str) -> ServiceAccess {
    let text = format!(
        "[nova]\nauth_type = password\nauth_url = {}/v3\nusername = cinder\npassword = s3cret\n\
         user_domain_name = Default\nproject_name = service\nproject_domain_name = Default\n{more}",
        server.uri()
    );
    base_and(&text).expect("valid").config.nova
}

fn catalog(server: &MockServer, region: &str) -> Value {
    json!([{"type": "compute", "name": "nova", "endpoints": [
        {"interface": "internal", "region": region, "url": format!("{}/internal", server.uri())},
        {"interface": "public", "region": region, "url": format!("{}/v2.1/", server.uri())},
    ]}])
}

async fn keystone(server: &MockServer, expires_at: &str, times: u64) {
    let asked = json!({"auth": {
        "identity": {"methods": ["password"], "password": {"user": {
            "name": "cinder", "domain": {"name": "Default"}, "password": "s3cret"}}},
        "scope": {"project": {"name": "service", "domain": {"name": "Default"}}},
    }});
    let issued = json!({"token": {"expires_at": expires_at, "catalog": catalog(server, "one")}});
    let answer = ResponseTemplate::new(201)
        .insert_header("X-Subject-Token", TOKEN)
        .set_body_json(issued);
    Mock::given(method("POST"))
        .and(path("/v3/auth/tokens"))
        .and(body_json(asked))
        .respond_with(answer)
        .expect(times)
        .mount(server)
        .await;
}

async fn nova(server: &MockServer, answer: ResponseTemplate) {
    let asked = json!({"events": [
        {"name": "volume-extended", "server_uuid": SERVER, "tag": "vol"}]});
    Mock::given(method("POST"))
        .and(path("/v2.1/os-server-external-events"))
        .and(header("X-Auth-Token", TOKEN))
        .and(header("OpenStack-API-Version", "compute 2.51"))
        .and(header("X-OpenStack-Request-ID", "req-1"))
        .and(body_json(asked))
        .respond_with(answer)
        .mount(server)
        .await;
}

fn answered(code: Value) -> ResponseTemplate {
    let event = json!({"name": "volume-extended", "server_uuid": SERVER, "code": code});
    ResponseTemplate::new(207).set_body_json(json!({"events": [event]}))
}

async fn tell(nova: &Nova) -> Result<(), OpenStackError> {
    nova.volume_extended("vol", &[SERVER.to_owned()], "req-1")
        .await
}

#[tokio::test]
async fn instances_are_told_with_one_token_for_many_calls() {
    let server = MockServer::start().await;
    keystone(&server, "2099-01-01T00:00:00.000000Z", 1).await;
    nova(&server, answered(json!(200))).await;
    let client = Nova::new(access(&server, "")).expect("options");
    tell(&client).await.expect("told");
    tell(&client).await.expect("told with the token in hand");
}

#[tokio::test]
async fn a_token_in_its_last_minute_is_not_used() {
    let server = MockServer::start().await;
    keystone(&server, "2001-01-01T00:00:00.000000Z", 2).await;
    nova(&server, answered(json!(200))).await;
    let client = Nova::new(access(&server, "")).expect("options");
    tell(&client).await.expect("told");
    tell(&client).await.expect("told with a new token");
}

#[tokio::test]
async fn an_unknown_instance_is_no_failure_and_an_event_without_code_is_one() {
    for (code, well) in [(json!(404), true), (json!(422), true), (Value::Null, false)] {
        let server = MockServer::start().await;
        keystone(&server, "2099-01-01T00:00:00.000000Z", 1).await;
        nova(&server, answered(code.clone())).await;
        let client = Nova::new(access(&server, "")).expect("options");
        assert_eq!(tell(&client).await.is_ok(), well, "{code}");
    }
}

#[tokio::test]
async fn a_token_that_nova_refuses_is_replaced_once() {
    let server = MockServer::start().await;
    keystone(&server, "2099-01-01T00:00:00.000000Z", 2).await;
    nova(&server, ResponseTemplate::new(401)).await;
    let client = Nova::new(access(&server, "")).expect("options");
    let error = tell(&client).await.expect_err("refused");
    assert!(
        matches!(error, OpenStackError::Refused { status: 401, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn failures_name_the_service_and_no_secret() {
    let server = MockServer::start().await;
    keystone(&server, "2099-01-01T00:00:00.000000Z", 1).await;
    let elsewhere = Nova::new(access(&server, "region_name = two\n")).expect("options");
    let error = tell(&elsewhere).await.expect_err("not in that region");
    assert_eq!(
        error.to_string(),
        "the catalog has no public endpoint of a compute service in region two"
    );
    let none = Nova::new(base_and("").expect("valid").config.nova).expect("options");
    let error = tell(&none).await.expect_err("no account");
    assert!(matches!(error, OpenStackError::NoAccount { .. }), "{error}");
    let away = "[nova]\nauth_type = password\nauth_url = http://127.0.0.1:1\nusername = cinder\n\
                password = s3cret\n";
    let away = Nova::new(base_and(away).expect("valid").config.nova).expect("options");
    let text = format!("{:?}", tell(&away).await.expect_err("nobody there"));
    assert!(
        text.contains("POST keystone") && !text.contains("s3cret"),
        "{text}"
    );
    assert!(!format!("{elsewhere:?}").contains("s3cret"));
}

#[test]
fn an_account_is_whole_or_a_fault() {
    let error = base_and("[nova]\nauth_type = password\nusername = cinder\n").unwrap_err();
    assert!(
        error
            .to_string()
            .contains("auth_url, username and password"),
        "{error}"
    );
    let error = base_and("[nova]\nauth_type = v3kerberos\n").unwrap_err();
    assert!(error.to_string().contains("v3kerberos"), "{error}");
    let shared = "[nova]\nauth_section = keystone_authtoken\n[keystone_authtoken]\n\
                  auth_type = password\nauth_url = http://k:5000\nuser_id = u1\npassword = p\n\
                  project_id = p1\n";
    assert!(
        base_and(shared)
            .expect("valid")
            .config
            .nova
            .account
            .is_some()
    );
}
