//! No body and no password in the log, however loud it is.

use std::time::Duration;

use cinder_volume_xtremio::app::logging;
use cinder_volume_xtremio::bus::{Publisher, Replies};
use cinder_volume_xtremio::config::LoggingOptions;
use tracing::level_filters::LevelFilter;

use crate::support::broker::TestBroker;
use crate::support::messaging;

const CANARY: &str = "chap-canary-4711";

/// Runs alone in a process of its own: lapin logs from its own threads, which only see the
/// logging of the whole process.
#[test]
fn a_reply_that_comes_back_leaves_no_body_in_the_log() {
    const INNER: &str = "CVX_TEST_LOG_OF_RETURNED";
    if let Ok(path) = std::env::var(INNER) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        return runtime.block_on(returned(path.into()));
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "bus::secrets::a_reply_that_comes_back_leaves_no_body_in_the_log",
        ])
        .env(INNER, &path)
        .output()
        .unwrap();
    let log = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        output.status.success(),
        "{}\n{log}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert!(log.contains("reply dropped"), "{log}");
    assert!(log.contains(" lapin::"), "lapin was not heard: {log}");
    for secret in [CANARY, "guest-password"] {
        assert!(!log.contains(secret), "{secret}: {log}");
        // How Debug shows bytes.
        let bytes: Vec<String> = secret.bytes().map(|b| b.to_string()).collect();
        assert!(!log.contains(&bytes.join(", ")), "{secret} as bytes: {log}");
    }
}

async fn returned(path: std::path::PathBuf) {
    let options = LoggingOptions {
        debug: true,
        log_file: Some(path),
        default_log_levels: vec![
            ("amqp".into(), "TRACE".into()),
            ("lapin::returned_messages".into(), "TRACE".into()),
        ],
        ..LoggingOptions::default()
    };
    let log = logging::init(&options).unwrap();
    log.set_level("lapin", LevelFilter::TRACE).unwrap();
    log.set_level("lapin::returned_messages", LevelFilter::TRACE)
        .unwrap();
    let broker = TestBroker::new().await;
    let mut messaging = messaging::options("127.0.0.1", broker.port(), broker.vhost());
    messaging.reply_retry_timeout = Duration::from_secs(3);
    let publisher = Publisher::new(&messaging);
    let replies = Replies::new(publisher.clone(), &messaging);
    let body = format!(r#"{{"auth_password": "{CANARY}"}}"#).into_bytes();
    assert!(!replies.send("reply_missing", body).await.unwrap());
    publisher.close().await;
    // A refused login must not show the password either.
    messaging.url.hosts[0].user = "nobody".into();
    messaging.url.hosts[0].password = "guest-password".to_owned().into();
    let refused = Publisher::new(&messaging);
    let replies = Replies::new(refused, &messaging);
    assert!(replies.send("reply_other", b"{}".to_vec()).await.is_err());
}
