//! The password is sent, and shown nowhere.

use std::io;
use std::sync::{Arc, Mutex};

use cinder_volume_xtremio::backend::Backend;
use cinder_volume_xtremio::xms::Xms;
use tracing::instrument::WithSubscriber;
use wiremock::ResponseTemplate;

use super::fake::*;

/// `admin:Xtrem10-s3cret`, as Basic credentials carry it.
const BASIC: &str = "YWRtaW46WHRyZW0xMC1zM2NyZXQ=";

fn assert_clean(text: &str) {
    assert!(!text.contains(PASSWORD) && !text.contains(BASIC), "{text}");
}

#[tokio::test]
async fn every_call_carries_basic_credentials() {
    let server = xms("4.2.0-33", "4.2.0-33").await;
    Xms::new(client(server.uri()))
        .unwrap()
        .session()
        .await
        .expect("session");
    for request in server.received_requests().await.unwrap() {
        assert_eq!(request.headers["authorization"], format!("Basic {BASIC}"));
    }
}

#[tokio::test]
async fn debug_and_errors_show_no_credentials() {
    let options = client("http://127.0.0.1:1".to_owned());
    assert_clean(&format!("{options:?}"));
    let xms = Xms::new(options).unwrap();
    assert_clean(&format!("{xms:?}"));
    let error = xms.session().await.unwrap_err();
    assert_clean(&format!("{error:?} {error}"));

    let server = super::fake::xms("4.2.0-33", "4.2.0-33").await;
    volumes(&server, "GET", V2, ResponseTemplate::new(401), None).await;
    let xms = Xms::new(client(server.uri())).unwrap();
    let error = xms.volumes().get("v1").await.unwrap_err();
    assert_clean(&format!("{error:?} {error}"));
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn logs_at_their_noisiest_show_no_credentials_and_warn_of_no_verification() {
    let server = xms("4.2.0-33", "4.2.0-33").await;
    volumes(&server, "GET", V2, refusal("system_is_busy"), None).await;
    let log = Log::default();
    // With one subscriber alive, tracing asks only the thread that meets an event first whether
    // anyone listens, and that thread may belong to another test; with two it asks them all.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    async {
        let array = array(client(server.uri()));
        array.setup().await.expect("setup");
        array.delete_volume("v1").await.unwrap_err();
    }
    .with_subscriber(subscriber)
    .await;
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_clean(&text);
    assert!(text.contains("XMS call will be repeated"), "{text}");
    assert_eq!(text.matches("is NOT verified").count(), 1, "{text}");
}
