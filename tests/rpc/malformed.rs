//! Odd requests, each of which must end as it did at a real server; and odd replies.

use std::time::{Duration, Instant};

use cinder_volume_xtremio::rpc::client::{self, BadReply, Outcome, Received};
use cinder_volume_xtremio::rpc::dispatch::{self, Endpoint};
use cinder_volume_xtremio::rpc::envelope::{self, Opened, Properties};
use cinder_volume_xtremio::rpc::{CinderException, Dedupe, Failure, Message, Reply, Seen, Version};
use serde_json::{Value, json};

use super::data::cases;

/// What became of a message.
#[derive(Debug, PartialEq)]
struct Fate {
    settle: &'static str,
    replies: Vec<String>,
}

/// The server of the recorded cases: `echo`, `none` and `slow` at version 3.18.
struct Server {
    ids: Dedupe,
}

impl Server {
    fn take(&mut self, properties: &Properties<'_>, body: &[u8]) -> Fate {
        let (settle, replies) = match envelope::open(properties, body) {
            Err(_) => ("Basic.Reject requeue=False", Vec::new()),
            Ok(Opened::Empty) => ("Basic.Ack", Vec::new()),
            Ok(Opened::Message(message)) => ("Basic.Ack", self.run(&message)),
        };
        Fate { settle, replies }
    }

    fn run(&mut self, message: &Message) -> Vec<String> {
        let arrive = |id: &String| self.ids.arrive(id, Instant::now());
        if message
            .unique_id
            .as_ref()
            .map(arrive)
            .is_some_and(|seen| seen != Seen::New)
        {
            return Vec::new();
        }
        let outcome = Self::call(message);
        let Some(to) = message.reply_to() else {
            return Vec::new();
        };
        let mut replies = Vec::new();
        if let (Ok((_, took)), Some(interval)) = (&outcome, message.heartbeat_interval()) {
            let beats = took.as_millis() / interval.as_millis();
            replies.extend((0..beats).map(|_| shown(&Reply::heartbeat(&to.msg_id, "u"))));
        }
        let outcome = outcome.as_ref().map(|(result, _)| result.clone());
        replies.push(shown(&Reply::new(&to.msg_id, "u", outcome)));
        replies
    }

    fn call(message: &Message) -> Result<(Value, Duration), Failure> {
        let has = |method: &str| matches!(method, "echo" | "none" | "slow");
        let endpoint = Endpoint {
            namespace: None,
            version: Version::new(3, 18),
            has: &has,
        };
        let method = dispatch::route(message, &[endpoint])?;
        let args = dispatch::arguments(message)?;
        Ok(match method {
            "echo" => (Value::Object(args), Duration::ZERO),
            "slow" => {
                let took = Duration::from_secs_f64(args["seconds"].as_f64().unwrap());
                (json!("slept"), took)
            }
            _ => (Value::Null, Duration::ZERO),
        })
    }
}

fn shown(reply: &Reply) -> String {
    let ending = if reply.ending { "True" } else { "False" };
    let result = reply.result.to_string().replace(':', ": ");
    let failure = match &reply.failure {
        None => "None".to_owned(),
        Some(text) => {
            let failure: Failure = serde_json::from_str(text).unwrap();
            failure.to_string()
        }
    };
    format!("ending={ending} result={result} failure={failure}")
}

fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut out, mut bits, mut count) = (Vec::new(), 0u32, 0);
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        let digit = DIGITS.iter().position(|digit| *digit == byte).unwrap();
        bits = (bits << 6) | u32::try_from(digit).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from((bits >> count) & 0xff).unwrap());
        }
    }
    out
}

#[test]
fn odd_requests_end_as_at_a_real_server() {
    for file in ["malformed-14.0.3.json", "malformed-18.3.1.json"] {
        let mut server = Server {
            ids: Dedupe::default(),
        };
        let cases = cases(file);
        assert_eq!(cases.len(), 42);
        for case in cases {
            let body = match case["body"].as_str() {
                Some(text) => text.as_bytes().to_vec(),
                None => base64(case["body_base64"].as_str().unwrap()),
            };
            let properties = Properties {
                content_type: case["properties"]["content_type"].as_str(),
                content_encoding: case["properties"]["content_encoding"].as_str(),
                compression: case["headers"]["compression"].as_str(),
            };
            let got = server.take(&properties, &body);
            let observed = &case["observed_settle"];
            assert_eq!(json!([got.settle]), *observed, "{file}: {}", case["case"]);
            let observed = &case["observed_replies"];
            assert_eq!(json!(got.replies), *observed, "{file}: {}", case["case"]);
        }
    }
}

fn receive(reply: &Value) -> Result<Outcome, BadReply> {
    let body = envelope::seal(reply);
    client::receive(&Properties::JSON, &body).map(|Received { outcome, .. }| outcome)
}

/// The replies that real clients choke on are those that we never write, and refuse to read.
#[test]
fn odd_replies_are_taken_as_a_real_client_takes_them() {
    let reply = |key: &str, value: Value| {
        let mut reply = json!({
            "result": 1, "failure": null, "ending": true, "_msg_id": "m", "_unique_id": "u",
        });
        reply[key] = value;
        reply
    };
    for case in cases("client-acceptance.json") {
        let name = case["case"].as_str().unwrap();
        match name {
            "compact" => {
                let got = receive(&reply("result", json!("café"))).unwrap();
                assert_eq!(got, Outcome::Result(json!("café")));
            }
            "no _unique_id" => {
                let mut reply = reply("result", json!(1));
                reply.as_object_mut().unwrap().remove("_unique_id");
                assert_eq!(receive(&reply).unwrap(), Outcome::Result(json!(1)));
            }
            "no failure key" => {
                let mut odd = reply("result", json!(1));
                odd.as_object_mut().unwrap().remove("failure");
                let got = receive(&odd);
                assert!(matches!(got, Err(BadReply::NoFailureMember(_))), "{got:?}");
                let ours = serde_json::to_value(Reply::new("m", "u", Ok(json!(1)))).unwrap();
                assert_eq!(ours, reply("result", json!(1)));
            }
            "legacy two messages" => {
                let mut first = reply("result", json!("two"));
                first["ending"] = json!(false);
                assert_eq!(receive(&first).unwrap(), Outcome::Result(json!("two")));
            }
            "unasked heartbeat" => {
                let message = json!({"_msg_id": "m", "_reply_q": "q", "_timeout": null});
                let message = Message::from_wire(message.as_object().unwrap().clone());
                assert_eq!(message.heartbeat_interval(), None);
            }
            "short failure" | "minimal failure" => {
                let failure =
                    r#"{"class":"VolumeNotFound","module":"cinder.exception","message":"gone"}"#;
                let Outcome::Failure(got) = receive(&reply("failure", json!(failure))).unwrap()
                else {
                    panic!("no failure");
                };
                assert!(got.is_cinder("VolumeNotFound"));
                assert_eq!(got.message, "gone");
            }
            "failure kwargs holds message" => {
                for exception in CinderException::samples() {
                    let failure = Failure::from(exception);
                    assert!(!failure.kwargs.contains_key("message"), "{failure}");
                }
            }
            "failure with unknown class" => {
                // A Python run checks every class against cinder.exception itself.
                assert!(CinderException::CLASSES.len() > 60);
            }
            "failure as object" => {
                let got = receive(&reply("failure", json!({"class": "X"})));
                assert!(matches!(got, Err(BadReply::FailureNotText(_))), "{got:?}");
                let failure = Failure::type_error("x");
                let ours = serde_json::to_value(Reply::new("m", "u", Err(&failure))).unwrap();
                assert!(ours["failure"].is_string());
            }
            "duplicate reply" => {
                // Both parse alike; the waiter is gone when the second comes.
                assert_eq!(
                    receive(&reply("result", json!(1))).unwrap(),
                    Outcome::Result(json!(1))
                );
            }
            "no content_type" => {
                let body = Reply::new("m", "u", Ok(json!(1))).to_body();
                let got = client::receive(&Properties::default(), &body);
                assert!(matches!(got, Err(BadReply::Reject(_))), "{got:?}");
            }
            other => panic!("no check for the case {other:?}"),
        }
    }
}

#[test]
fn bz2_bodies_are_opened_and_unknown_compressions_are_not() {
    use std::io::Write as _;
    let mut zip = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    zip.write_all(br#"{"method": "echo"}"#).unwrap();
    let body = zip.finish().unwrap();
    let with = |compression| Properties {
        compression: Some(compression),
        ..Properties::JSON
    };
    assert!(envelope::open(&with("application/x-bz2"), &body).is_ok());
    for wrong in ["application/x-gzip", "application/zstd"] {
        assert!(envelope::open(&with(wrong), &body).is_err(), "{wrong}");
    }
}
