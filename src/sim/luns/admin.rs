//! The part of the admin interface that is about disks.
//!
//! | Request | Effect |
//! |---|---|
//! | `GET /luns` | portals, what each initiator did, the file of each volume, tgtd's process |
//! | `POST /luns/portals` | disturbs one portal (`"address": "IP:PORT"`) or all: any of `"dead": true`, `"refuse_logins": true`, `"freeze_ms": 500`, `"bytes_per_second": 100000` (0: no limit), `"drop": true` (all sessions, once) |
//! | `DELETE /luns/portals` | nothing is disturbed any more |
//! | `POST /luns/tgtd` `{"do": "kill"}`, `{"do": "restart"}` | all sessions break; logins are refused until it is back |

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use hyper::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::front::Portal;
use super::traffic::Disturbance;
use super::{LunError, Luns};
use crate::sim::admin::{Answer, read};
use crate::sim::server::Shared;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Disturb {
    address: Option<String>,
    dead: Option<bool>,
    refuse_logins: Option<bool>,
    freeze_ms: Option<u64>,
    bytes_per_second: Option<u64>,
    #[serde(default)]
    drop: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tgtd {
    #[serde(rename = "do")]
    action: Action,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Kill,
    Restart,
}

/// Answers one admin request below `/luns`: status and body.
pub(crate) async fn answer(shared: &Shared, method: &Method, path: &str, body: &[u8]) -> Answer {
    let Some(luns) = &shared.luns else {
        return (404, json!({"message": "the simulator has no disks"}));
    };
    let result = match (method.as_str(), path) {
        ("GET", "/luns") => report(shared, luns).await.map_err(failed),
        ("POST", "/luns/portals") => read(body).and_then(|wanted| disturb(luns, &wanted)),
        ("DELETE", "/luns/portals") => {
            for portal in &luns.portals {
                portal.disturbed.send_modify(|now| {
                    *now = Disturbance {
                        drops: now.drops,
                        ..Disturbance::default()
                    }
                });
            }
            Ok(json!({}))
        }
        ("POST", "/luns/tgtd") => match read::<Tgtd>(body) {
            Ok(wanted) => tgtd(shared, luns, wanted.action).await.map_err(failed),
            Err(answer) => Err(answer),
        },
        _ => Err((404, json!({"message": format!("no {method} {path} here")}))),
    };
    match result {
        Ok(body) => (200, body),
        Err(answer) => answer,
    }
}

fn failed(error: LunError) -> Answer {
    (500, json!({"message": error.to_string()}))
}

fn disturb(luns: &Luns, wanted: &Disturb) -> Result<Value, Answer> {
    let meant = |portal: &&Arc<Portal>| {
        let address = wanted.address.as_ref();
        address.is_none_or(|address| *address == portal.address.to_string())
    };
    let portals: Vec<_> = luns.portals.iter().filter(meant).collect();
    if portals.is_empty() {
        return Err((404, json!({"message": "no such portal"})));
    }
    for portal in portals {
        portal.disturbed.send_modify(|now| {
            now.dead = wanted.dead.unwrap_or(now.dead);
            now.refuse_logins = wanted.refuse_logins.unwrap_or(now.refuse_logins);
            if let Some(ms) = wanted.freeze_ms {
                now.frozen_until = Instant::now().checked_add(Duration::from_millis(ms));
            }
            if let Some(rate) = wanted.bytes_per_second {
                now.bytes_per_second = NonZeroU64::new(rate);
            }
            now.drops += u64::from(wanted.drop);
        });
    }
    Ok(json!({}))
}

async fn tgtd(shared: &Shared, luns: &Arc<Luns>, action: Action) -> Result<Value, LunError> {
    luns.kill().await?;
    if let Action::Restart = action {
        luns.start_tgtd().await?;
        luns.catch_up(shared).await?;
    }
    Ok(json!({}))
}

async fn report(shared: &Shared, luns: &Arc<Luns>) -> Result<Value, LunError> {
    let portals = luns.portals.iter().map(|portal| {
        let now = portal.disturbed.borrow();
        json!({
            "cluster": portal.cluster,
            "address": portal.address.to_string(),
            "iqn": portal.iqn,
            "dead": now.dead,
            "refuse_logins": now.refuse_logins,
            "frozen": now.frozen_until.is_some_and(|until| until > Instant::now()),
            "bytes_per_second": now.bytes_per_second,
        })
    });
    let (found, pid) = luns.files().await?;
    let mut files = Map::new();
    for cluster in &shared.xms().clusters {
        let own = found.iter().filter(|((of, _), ..)| *of == cluster.id.index);
        let own = own.map(|(_, name, path)| (name.clone(), json!(path)));
        files.insert(cluster.id.name.clone(), Value::Object(own.collect()));
    }
    Ok(json!({
        "portals": portals.collect::<Vec<_>>(),
        "initiators": luns.counters.report(),
        "files": files,
        "tgtd": pid,
    }))
}
