//! Our reader beside what real oslo.config and oslo.messaging were seen to do.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::super::{source, transport_url};
use super::{Opt, Reader};

/// oslo.config 10.7.0 and oslo.messaging 18.3.1; made by `tests/data/config/observe.py`.
const OBSERVED: &str = include_str!("../../../tests/data/config/observed.json");

/// What we make of one row: the value, or an error.
fn ours(row: &Value) -> Value {
    let dir = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for (index, text) in row["files"].as_array().unwrap().iter().enumerate() {
        let path = dir.path().join(format!("{index}.conf"));
        std::fs::write(&path, text.as_str().unwrap()).unwrap();
        paths.push(path);
    }
    let mut faults = Vec::new();
    let tree = source::read(&paths, &mut faults);
    let env = |name: &str| {
        let name = name.strip_prefix("OS_DEFAULT__")?;
        row["env"][name].as_str().map(str::to_owned)
    };
    let flags = BTreeMap::new();
    let mut r = Reader::new(&tree, &env, &flags);
    r.faults = faults;
    let opt = Opt::default("a").old(&[("DEFAULT", "old"), ("x", "older")]);
    let value = match row["kind"].as_str().unwrap() {
        "str" => json!(r.text(&opt).map(|(text, _)| text)),
        "bool" => json!(r.boolean(&opt, false)),
        "int" => json!(r.integer(&opt, 0, -5..=i64::MAX)),
        "port" => json!(r.number::<u16>(&opt, 1, 1..=65_535)),
        "float" => json!(r.float(&opt, 0.0, f64::MIN..=f64::MAX)),
        "list" => json!(r.list(&opt).map(|(items, _)| items)),
        "multi" => json!(
            r.multi(&opt)
                .into_iter()
                .map(|(text, _)| text)
                .collect::<Vec<_>>()
        ),
        other => panic!("unknown kind {other}"),
    };
    if r.faults.is_empty() {
        value
    } else {
        json!("error")
    }
}

#[test]
fn options_read_as_by_oslo_config() {
    let observed: Value = serde_json::from_str(OBSERVED).unwrap();
    let rows = observed["options"].as_array().unwrap();
    assert!(rows.len() > 120, "{}", rows.len());
    let mut different = Vec::new();
    for row in rows {
        let theirs = match &row["result"] {
            result if result.get("error").is_some() => json!("error"),
            result => result["value"].clone(),
        };
        let ours = ours(row);
        let same = match (ours.as_f64(), theirs.as_f64()) {
            (Some(ours), Some(theirs)) => (ours - theirs).abs() < 1e-9,
            _ => ours == theirs,
        };
        if !same {
            different.push(format!("{row}\n  ours: {ours}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// URLs that we read otherwise than oslo.messaging 18.3.1, and what we make of them.
fn deliberate(url: &str) -> Option<&'static str> {
    Some(match url {
        // as oslo.messaging 14 does
        "rabbit://h:" => "h:5672",
        // oslo.messaging hands these to kombu, which fails or connects to nowhere
        "rabbit://::1/" | "rabbit://h:70000/" | "rabbit://h:0/" | "rabbit://[::1]x/" => "error",
        "rabbit://u:p@/v" | "rabbit://h/v#f" => "error",
        _ => return None,
    })
}

#[test]
fn transport_urls_parse_as_by_oslo_messaging() {
    let observed: Value = serde_json::from_str(OBSERVED).unwrap();
    let rows = observed["urls"].as_array().unwrap();
    assert!(rows.len() > 40, "{}", rows.len());
    for row in rows {
        let url = row["url"].as_str().unwrap();
        let parsed = transport_url::parse(url);
        match (deliberate(url), row.get("error")) {
            (Some("error"), None) | (None, Some(_)) => assert!(parsed.is_err(), "{url}"),
            (Some(host), _) => {
                let parsed = parsed.unwrap();
                let first = &parsed.url.hosts[0];
                assert_eq!(format!("{}:{}", first.host, first.port), host, "{url}");
            }
            (None, None) => {
                let parsed = parsed.unwrap_or_else(|error| panic!("{url}: {error}"));
                let text = |value: &Value, default: &str| match value.as_str() {
                    None | Some("") => default.to_owned(),
                    Some(text) => text.to_owned(),
                };
                let mut hosts: Vec<_> = row["hosts"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|host| {
                        let port = host[1].as_u64().unwrap_or(5672);
                        (
                            text(&host[0], ""),
                            port,
                            text(&host[2], "guest"),
                            text(&host[3], "guest"),
                        )
                    })
                    .collect();
                if hosts.is_empty() {
                    hosts.push(("localhost".into(), 5672, "guest".into(), "guest".into()));
                }
                let ours: Vec<_> = parsed
                    .url
                    .hosts
                    .iter()
                    .map(|host| {
                        let password = host.password.expose_secret().to_owned();
                        (
                            host.host.clone(),
                            u64::from(host.port),
                            host.user.clone(),
                            password,
                        )
                    })
                    .collect();
                assert_eq!(ours, hosts, "{url}");
                assert_eq!(parsed.url.vhost, text(&row["vhost"], "/"), "{url}");
                assert_eq!(json!(parsed.query), row["query"], "{url}");
            }
        }
    }
}
