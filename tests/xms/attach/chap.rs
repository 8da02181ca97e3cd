//! CHAP at login and at discovery, from the start and turned on later.

use cinder_volume_xtremio::backend::Backend;
use cinder_volume_xtremio::sim::{ChapMode, SimOptions};
use serde_json::json;

use super::*;

const LOGIN: [&str; 3] = ["auth_method", "auth_username", "auth_password"];
const DISCOVERY: [&str; 3] = [
    "discovery_auth_method",
    "discovery_auth_username",
    "discovery_auth_password",
];

/// Checks that data and array agree on the credentials; gives the secret.
fn credentials(lab: &Lab, data: &Value, keys: [&str; 3], kind: &str, user: &str) -> String {
    let initiator = &lab.objects("initiators")[0];
    assert_eq!(data[keys[0]], "CHAP");
    assert_eq!(data[keys[1]], user);
    let secret = data[keys[2]].as_str().unwrap().to_owned();
    let held = |what: &str| initiator[format!("chap-{kind}-initiator-{what}")].clone();
    assert_eq!(held("user-name"), user);
    assert_eq!(held("password"), secret.as_str());
    secret
}

fn has(data: &Value, keys: [&str; 3]) -> bool {
    keys.iter().any(|key| data.get(*key).is_some())
}

fn is_ours(secret: &str) -> bool {
    let fits = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    secret.len() == 12 && secret.chars().all(fits)
}

#[tokio::test]
async fn each_kind_is_added_when_the_array_begins_to_ask_for_it() {
    for lab in Lab::all().await {
        lab.volumes(&["v1"]).await;
        let host = iscsi_host();
        let data = attach(&lab.iscsi(), "v1", &host).await;
        assert!(!has(&data, LOGIN) && !has(&data, DISCOVERY));

        lab.xms
            .sim
            .set_chap(ChapMode::Initiator, ChapMode::Disabled);
        let data = attach(&lab.iscsi(), "v1", &host).await;
        let login = credentials(&lab, &data, LOGIN, "authentication", "chap_user");
        assert!(is_ours(&login) && !has(&data, DISCOVERY));

        lab.xms.sim.set_chap(ChapMode::Mutual, ChapMode::Initiator);
        let data = attach(&lab.iscsi(), "v1", &host).await;
        let discovery = credentials(&lab, &data, DISCOVERY, "discovery", "chap_user");
        assert!(is_ours(&discovery) && discovery != login);
        let kept = credentials(&lab, &data, LOGIN, "authentication", "chap_user");
        assert_eq!(kept, login, "the other one may be in use");
        assert_eq!(attach(&lab.iscsi(), "v1", &host).await, data);

        lab.xms
            .sim
            .set_chap(ChapMode::Disabled, ChapMode::Initiator);
        let data = attach(&lab.iscsi(), "v1", &host).await;
        assert!(!has(&data, LOGIN) && has(&data, DISCOVERY));
    }
}

#[tokio::test]
async fn a_new_initiator_gets_all_at_once() {
    for version in RELEASES {
        let lab = Lab::with(SimOptions {
            chap_login: ChapMode::Initiator,
            chap_discovery: ChapMode::Initiator,
            ..SimOptions::new(version)
        })
        .await;
        lab.volumes(&["v1"]).await;
        let array = lab.iscsi();
        let connection = array.initialize_connection("v1", &iscsi_host()).await;
        let connection = connection.unwrap();
        let shown = format!("{connection:?}");
        let data = Value::Object(connection.data);
        let login = credentials(&lab, &data, LOGIN, "authentication", "chap_user");
        let discovery = credentials(&lab, &data, DISCOVERY, "discovery", "chap_user");
        assert!(!shown.contains(&login) && !shown.contains(&discovery));
        assert!(!format!("{array:?}").contains(&login));
        assert!(!lab.xms.sim.stats().by_type.contains_key("PUT initiators"));
        assert_eq!(attach(&array, "v1", &iscsi_host()).await, data);
        detach(&array, "v1", &iscsi_host()).await;
    }
}

#[tokio::test]
async fn credentials_of_an_administrator_are_kept() {
    for version in RELEASES {
        let lab = Lab::with(SimOptions {
            chap_login: ChapMode::Initiator,
            chap_discovery: ChapMode::Initiator,
            ..SimOptions::new(version)
        })
        .await;
        lab.volumes(&["v1"]).await;
        lab.group("g", &[]).await;
        let initiator = json!({"initiator-name": IQN, "port-address": IQN, "ig-id": "g",
            "initiator-authentication-user-name": "node one",
            "initiator-authentication-password": "by hand 4711",
            "initiator-discovery-user-name": "finder"});
        lab.make("initiators", initiator).await;
        let data = attach(&lab.iscsi(), "v1", &iscsi_host()).await;
        let login = credentials(&lab, &data, LOGIN, "authentication", "node one");
        assert_eq!(login, "by hand 4711");
        let discovery = credentials(&lab, &data, DISCOVERY, "discovery", "finder");
        assert!(is_ours(&discovery));
    }
}
