//! The admin interface: what tests look at and turn.
//!
//! | Request | Effect |
//! |---|---|
//! | `GET /state` | all objects, by cluster |
//! | `GET /stats`, `POST /stats/reset` | counters |
//! | `GET /faults`, `POST /faults`, `DELETE /faults` | a list of faults, added to those there |
//! | `POST /latency` `{"ms": 20}` | before every answer |
//! | `POST /reset` | objects, faults, latency and counters away |
//! | `POST /chap` `{"login": "initiator", "discovery": "disabled"}` | the CHAP modes of all clusters |
//! | `POST /write?name=V&cluster=C` `{"kb": 4096}` | as if a host had written to a volume |
//! | `/luns`... | the disks, see [`super::luns::admin`] |

use std::sync::atomic::Ordering;

use hyper::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use super::body::Ref;
use super::faults::Fault;
use super::options::ChapMode;
use super::server::Shared;
use super::stats::Stats;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Latency {
    ms: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Write {
    kb: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chap {
    login: ChapMode,
    discovery: ChapMode,
}

pub(crate) type Answer = (u16, Value);

/// Answers one admin request: status and body.
pub(crate) fn answer(
    shared: &Shared,
    method: &Method,
    path: &str,
    query: &str,
    body: &[u8],
) -> Answer {
    let result = match (method.as_str(), path) {
        ("GET", "/state") => Ok(shared.xms().state()),
        ("GET", "/stats") => Ok(json!(*shared.stats())),
        ("POST", "/stats/reset") => {
            *shared.stats() = Stats::default();
            Ok(json!({}))
        }
        ("GET", "/faults") => Ok(json!(*shared.faults())),
        ("POST", "/faults") => read::<Vec<Fault>>(body).map(|faults| {
            shared.faults().extend(faults);
            json!({})
        }),
        ("DELETE", "/faults") => {
            shared.clear_faults();
            Ok(json!({}))
        }
        ("POST", "/latency") => read::<Latency>(body).map(|latency| {
            shared.latency_ms.store(latency.ms, Ordering::Relaxed);
            json!({})
        }),
        ("POST", "/chap") => read::<Chap>(body).map(|chap| {
            shared.xms().set_chap(chap.login, chap.discovery);
            json!({})
        }),
        ("POST", "/reset") => {
            shared.xms().reset();
            shared.clear_faults();
            shared.latency_ms.store(0, Ordering::Relaxed);
            *shared.stats() = Stats::default();
            Ok(json!({}))
        }
        ("POST", "/write") => read::<Write>(body).and_then(|write| written(shared, query, &write)),
        _ => Err((404, json!({"message": format!("no {method} {path} here")}))),
    };
    match result {
        Ok(body) => (200, body),
        Err(answer) => answer,
    }
}

pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Answer> {
    serde_json::from_slice(body).map_err(|error| (400, json!({"message": error.to_string()})))
}

/// Gives a volume new content, of which so much takes physical space.
fn written(shared: &Shared, query: &str, write: &Write) -> Result<Value, Answer> {
    let parameter = |wanted: &str| {
        query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find_map(|(key, value)| (key == wanted).then(|| value.to_owned()))
    };
    let mut xms = shared.xms();
    let cluster = parameter("cluster").map_or(Some(0), |name| xms.find_cluster(&Ref::Name(name)));
    let volume = cluster.and_then(|cluster| {
        let volumes = &mut xms.clusters[cluster].volumes;
        let index = volumes.find(&Ref::Name(parameter("name")?))?;
        volumes.get_mut(index)
    });
    match volume {
        None => Err((404, json!({"message": "no such volume"}))),
        Some(volume) if write.kb > volume.size_kb => {
            Err((400, json!({"message": "more than the volume holds"})))
        }
        Some(volume) => {
            volume.written_kb = write.kb;
            volume.content = Uuid::new_v4().to_string();
            Ok(json!({"content": volume.content}))
        }
    }
}
