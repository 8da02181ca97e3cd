//! What we write is given to the real Cinder and oslo.messaging.
//!
//! `CVX_PY_VENV` names a Python environment with Cinder 29 in it.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use cinder_volume_xtremio::rpc::object::{Volume, VolumeAttachment};
use cinder_volume_xtremio::rpc::registry::METHODS;
use cinder_volume_xtremio::rpc::{
    CinderException, Failure, Message, Opaque, Registry, Reply, RequestContext, backup, scheduler,
    time,
};
use serde_json::{Value, json};

use super::data::captures;

/// Gives lines to `python_accepts.py` and fails with what it prints.
fn python_accepts(lines: &[Value]) {
    let venv = std::env::var("CVX_PY_VENV")
        .expect("CVX_PY_VENV names no Python environment with Cinder: run `make test`");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rpc/python_accepts.py");
    let mut python = Command::new(Path::new(&venv).join("bin/python"))
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = python.stdin.take().unwrap();
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = python.wait_with_output().unwrap();
    let _ = writer.join();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{out}\n{err}");
    assert!(out.contains("checked"), "{out}\n{err}");
}

fn failures() -> Vec<Value> {
    let line = |failure: &Failure, class: &str, code: u16, template: bool| {
        let body = Reply::new("m", "u", Err(failure)).to_body();
        json!({
            "kind": "failure", "name": failure.class, "module": failure.module, "class": class,
            "code": code, "template": template, "body": String::from_utf8(body).unwrap(),
        })
    };
    let mut lines = Vec::new();
    for exception in CinderException::samples() {
        let (class, code) = (exception.class(), exception.code());
        // These two have no template: their text is free.
        let free = matches!(class, "CinderException" | "Invalid");
        lines.push(line(&exception.into(), class, code, !free));
    }
    for class in ["TypeError", "ValueError", "NotImplementedError"] {
        let failure = Failure::builtin(class, "text");
        lines.push(line(&failure, class, 0, false));
    }
    for failure in [
        Failure::no_such_method("nope"),
        Failure::unsupported_version(&json!("4.0"), "freeze_host"),
    ] {
        lines.push(line(&failure, "RemoteError", 0, false));
    }
    lines
}

fn entities() -> Vec<Value> {
    let mut lines = Vec::new();
    let mut add = |name: &str, value: Value| {
        lines.push(json!({"kind": "entity", "name": name, "value": value}));
    };
    for sample in captures() {
        match sample.kind.as_str() {
            "to-volume" => {
                let message = Message::from_wire(sample.message.clone());
                let command = Registry::default().dispatch(&message).unwrap();
                add(&sample.name, command.args());
            }
            "reply" => add(&sample.name, sample.message["result"].clone()),
            _ => {}
        }
    }
    let id = "3220ff55-9f9f-4b24-878e-d8f8ce1f3cbf";
    let volume = Volume::from_fields([
        ("id", json!(id)),
        ("status", json!("available")),
        ("size", json!(1)),
        ("launched_at", json!("2026-11-22T09:30:01.123456")),
        ("metadata", json!({"a": "b"})),
    ])
    .unwrap();
    add("a volume of ours", json!(volume));
    let attachment = VolumeAttachment::from_fields([
        ("id", json!(id)),
        ("volume_id", json!(id)),
        ("attach_status", json!("attached")),
        ("connector", json!({"initiator": "iqn", "multipath": false})),
        ("volume", json!(volume)),
    ]);
    add("an attachment of ours", json!(attachment.unwrap()));
    lines
}

fn signatures() -> Vec<Value> {
    let lines = METHODS.iter().map(|info| {
        let params: Vec<Value> = info
            .params
            .iter()
            .map(|param| json!([param.name, param.required]))
            .collect();
        json!({"kind": "signature", "name": info.name, "method": info.name, "params": params})
    });
    lines.collect()
}

fn requests() -> Vec<Value> {
    let mut requests = Vec::new();
    for sample in captures() {
        let args = sample.message.get("args").cloned().unwrap_or_default();
        let context = Message::from_wire(sample.message.clone()).request_context();
        let service = RequestContext::for_service(
            RequestContext::new_request_id(),
            time::parse("2026-11-22T09:30:00.230871").unwrap(),
        );
        let now = time::parse("2026-11-22T09:30:01").unwrap();
        let capabilities =
            || -> Opaque { serde_json::from_value(args["capabilities"].clone()).unwrap() };
        let (to, request) = match (sample.kind.as_str(), sample.method.as_str()) {
            ("fanout-scheduler", "update_service_capabilities") => (
                "scheduler",
                scheduler::update_service_capabilities(
                    service,
                    args["host"].as_str().unwrap(),
                    None,
                    capabilities(),
                    now,
                    "u",
                ),
            ),
            ("to-scheduler", "notify_service_capabilities") => (
                "scheduler",
                scheduler::notify_service_capabilities(service, "h@b", capabilities(), now, "u"),
            ),
            ("to-volume", "create_volume") if !args["request_spec"].is_null() => {
                let of = |name: &str| args[name].clone();
                let mut spec: cinder_volume_xtremio::rpc::object::RequestSpec =
                    serde_json::from_value(of("request_spec")).unwrap();
                let mut volume: Volume = serde_json::from_value(of("volume")).unwrap();
                spec.set_volume_id(volume.id()).unwrap();
                volume.set("host", Value::Null).unwrap();
                let properties: Opaque = serde_json::from_value(of("filter_properties")).unwrap();
                (
                    "scheduler",
                    scheduler::create_volume(context, &volume, &spec, &properties, "u"),
                )
            }
            ("to-volume", "get_backup_device") => {
                let taken = serde_json::from_value(args["backup"].clone()).unwrap();
                let request = backup::restore_backup(context, &taken, "id", Some(true), "u");
                ("backup", request)
            }
            _ => continue,
        };
        let body = String::from_utf8(request.to_body()).unwrap();
        requests.push(json!({
            "kind": "request", "name": sample.name, "service": to, "body": body,
        }));
    }
    assert!(requests.len() > 10);
    requests
}

#[test]
fn real_cinder_accepts_what_we_write() {
    let lines = [failures(), entities(), signatures(), requests()].concat();
    python_accepts(&lines);
}
