#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use serde_json::Value;
use tracing::{debug, error, info, info_span, warn};

use super::sink::SyslogSink;
use super::*;

/// Options that log to `log` in a fresh directory.
fn to_file() -> (tempfile::TempDir, LoggingOptions) {
    let dir = tempfile::tempdir().unwrap();
    let options = LoggingOptions {
        log_file: Some(dir.path().join("log")),
        ..LoggingOptions::default()
    };
    (dir, options)
}

fn read(options: &LoggingOptions) -> String {
    std::fs::read_to_string(options.log_file.as_ref().unwrap()).unwrap()
}

#[test]
fn lines_look_like_those_of_oslo_log() {
    let (_dir, options) = to_file();
    let (subscriber, _handle) = build(&options).unwrap();
    tracing::subscriber::with_default(subscriber, || {
        info!(volume = "v1", size = 3, "Volume %s\ncreated");
        let span = info_span!("command", request_id = "req-1", other = 1);
        let _entered = span.enter();
        let inner = info_span!("inner", request_id = tracing::field::Empty);
        inner.in_scope(|| warn!("outer id"));
        inner.record("request_id", "req-2");
        inner.in_scope(|| error!(cause = ?"a\nb", "inner id"));
        debug!("not shown");
    });
    let text = read(&options);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    let pid = std::process::id();
    let target = "cinder_volume_xtremio::app::logging::tests";
    for (line, rest) in lines.iter().zip([
        format!(" {pid} INFO {target} [-] Volume %s\\ncreated volume=v1 size=3"),
        format!(" {pid} WARNING {target} [req-1] outer id"),
        format!(" {pid} ERROR {target} [req-2] inner id cause=\"a\\nb\""),
    ]) {
        let (stamp, tail) = line.split_at(23);
        assert_eq!(tail, rest);
        let stamp = chrono::NaiveDateTime::parse_from_str(stamp, "%Y-%m-%d %H:%M:%S%.3f");
        assert!(stamp.is_ok(), "{line}");
    }
}

#[test]
fn json_lines_hold_the_fields_apart() {
    let (_dir, options) = to_file();
    let options = LoggingOptions {
        use_json: true,
        ..options
    };
    let (subscriber, _handle) = build(&options).unwrap();
    tracing::subscriber::with_default(subscriber, || {
        let span = info_span!("command", request_id = %"req-9");
        span.in_scope(|| info!(message = "a \"b\"\nc", message_id = 7, ok = true));
    });
    let line: Value = serde_json::from_str(read(&options).trim_end()).unwrap();
    assert_eq!(line["message"], "a \"b\"\nc");
    assert_eq!(line["levelname"], "INFO");
    assert_eq!(line["context"]["request_id"], "req-9");
    assert_eq!(line["extra"]["message_id"], 7);
    assert_eq!(line["extra"]["ok"], true);
    assert_eq!(line["process"], std::process::id());
}

#[test]
fn levels_change_while_running() {
    let (_dir, options) = to_file();
    let (subscriber, handle) = build(&options).unwrap();
    let _guard = tracing::subscriber::set_default(subscriber);
    let say = |text: &str| {
        debug!("{text}");
        info!(target: "lapin::channel", "lapin {text}");
        warn!(target: "lapin::channel", "lapin loud {text}");
    };
    say("one");
    handle.set_level("cinder", LevelFilter::DEBUG).unwrap();
    handle.set_level("amqp", LevelFilter::INFO).unwrap();
    say("two");
    handle.set_level("", LevelFilter::ERROR).unwrap();
    say("three");
    handle
        .apply(&LoggingOptions {
            debug: true,
            ..options.clone()
        })
        .unwrap();
    say("four");
    let text = read(&options);
    let said: Vec<&str> = text
        .lines()
        .map(|line| line.split_once("] ").unwrap().1)
        .collect();
    let expected = [
        "lapin loud one",
        "two",
        "lapin two",
        "lapin loud two",
        "four",
        "lapin loud four",
    ];
    assert_eq!(said, expected);
    let levels = handle.levels();
    assert_eq!(levels[""], LevelFilter::DEBUG);
    assert_eq!(levels["sqlx"], LevelFilter::WARN);
}

#[test]
fn default_log_levels_take_python_names() {
    let pair = |name: &str, level: &str| (name.to_owned(), level.to_owned());
    let options = LoggingOptions {
        default_log_levels: vec![
            pair("sqlalchemy", "ERROR"),
            pair("amqp", "debug"),
            pair("my::target", "INFO"),
            pair("oslo.messaging", "TRACE"),
            pair("cinder", "WARNING"),
        ],
        ..LoggingOptions::default()
    };
    let (_subscriber, handle) = build(&options).unwrap();
    let levels = handle.levels();
    assert_eq!(levels["sea_orm"], LevelFilter::ERROR);
    assert_eq!(levels["lapin"], LevelFilter::DEBUG);
    assert_eq!(levels["cinder_volume_xtremio::bus"], LevelFilter::TRACE);
    assert_eq!(levels["my::target"], LevelFilter::INFO);
    assert_eq!(levels["cinder_volume_xtremio"], LevelFilter::WARN);
    assert_eq!(levels["hyper"], LevelFilter::WARN);
    for word in ["trace", "Debug", "INFO", "warn", "critical"] {
        assert!(parse_level(word).is_some(), "{word}");
    }
    assert_eq!(parse_level("loud"), None);
}

#[test]
fn reopen_follows_logrotate() {
    let (dir, options) = to_file();
    let (subscriber, handle) = build(&options).unwrap();
    let _guard = tracing::subscriber::set_default(subscriber);
    info!("before");
    let moved = dir.path().join("log.1");
    std::fs::rename(options.log_file.as_ref().unwrap(), &moved).unwrap();
    info!("to the moved file");
    handle.reopen().unwrap();
    info!("after");
    let old = std::fs::read_to_string(moved).unwrap();
    assert_eq!(old.lines().count(), 2, "{old}");
    assert!(read(&options).trim_end().ends_with("[-] after"));

    std::fs::remove_file(options.log_file.as_ref().unwrap()).unwrap();
    std::fs::create_dir(options.log_file.as_ref().unwrap()).unwrap();
    let error = handle.reopen().unwrap_err();
    assert!(matches!(error, LogError::File { .. }), "{error}");
    info!("still does not panic");
}

#[test]
fn syslog_gets_priority_and_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let daemon = UnixDatagram::bind(&path).unwrap();
    daemon
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let receive = |daemon: &UnixDatagram| {
        let mut buffer = [0; 2048];
        let size = daemon.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..size].to_vec()).unwrap()
    };
    let sink = SyslogSink::open(&path, "LOG_LOCAL1").unwrap();
    let options = LoggingOptions::default();
    let (subscriber, _handle) = assemble(&options, vec![Sink::Syslog(sink)], None);
    let _guard = tracing::subscriber::set_default(subscriber);
    error!("broken");
    let text = receive(&daemon);
    // facility 17 x 8 + severity 3
    assert!(text.starts_with("<139>"), "{text}");
    assert!(
        text.contains(&format!(" cinder-volume[{}]: ", std::process::id())),
        "{text}"
    );
    assert!(text.ends_with("[-] broken"), "{text}");

    // A daemon that restarts is found again.
    drop(daemon);
    std::fs::remove_file(&path).unwrap();
    info!("lost");
    let daemon = UnixDatagram::bind(&path).unwrap();
    daemon
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    info!("found");
    let text = receive(&daemon);
    assert!(
        text.starts_with("<142>") && text.ends_with("[-] found"),
        "{text}"
    );
}

#[test]
fn outputs_that_cannot_be_opened_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let options = LoggingOptions {
        log_file: Some(dir.path().join("no/such/dir/log")),
        ..LoggingOptions::default()
    };
    let error = build(&options).err().unwrap();
    assert!(error.to_string().contains("no/such/dir/log"), "{error}");
    let error = SyslogSink::open(&dir.path().join("none"), "LOG_USER")
        .err()
        .unwrap();
    assert!(matches!(error, LogError::Syslog { .. }), "{error}");
    let error = SyslogSink::open(dir.path(), "LOG_NOWHERE").err().unwrap();
    assert!(matches!(error, LogError::Facility(_)), "{error}");
}

#[test]
fn every_requested_output_is_opened() {
    let (_dir, options) = to_file();
    let count = |options: &LoggingOptions| sink::open(options).unwrap().0.len();
    assert_eq!(count(&LoggingOptions::default()), 1);
    assert_eq!(count(&options), 1);
    assert_eq!(
        count(&LoggingOptions {
            use_stderr: true,
            ..options.clone()
        }),
        2
    );
    assert_eq!(
        count(&LoggingOptions {
            use_journal: true,
            use_stderr: true,
            ..options
        }),
        2
    );
}
