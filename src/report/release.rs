//! Which Cinder release's version strings our service row carries.
//!
//! All clients cap what they send by the lowest versions among the service rows, and refuse
//! rows without any: the row must say what the release in use says, not what we could do.

/// `rpc_current_version` and `object_current_version` of a service row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versions {
    /// Volume RPC API, e.g. `3.20`.
    pub rpc: String,
    /// Object list, `1.39` in every release 21..29.
    pub object: String,
}

/// The versions to write, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What to write.
    pub versions: Versions,
    /// For the log.
    pub reason: String,
}

const OBJECT: &str = "1.39";

/// Volume RPC API of a Cinder release 21..29 (facts measured on the releases themselves).
pub fn rpc_of_release(release: u8) -> Option<&'static str> {
    match release {
        21..=23 => Some("3.18"),
        24 | 25 => Some("3.19"),
        26..=29 => Some("3.20"),
        _ => None,
    }
}

/// Volume RPC API by the database's alembic revision. The last revision serves 24 to 29: the
/// lower version of those is safe with all of them.
fn rpc_of_head(revision: &str) -> Option<&'static str> {
    match revision {
        "c92a3e68beed" | "daa98075b90d" | "89aa6f9639f9" => Some("3.18"),
        "9c74c1c6971f" => Some("3.19"),
        _ => None,
    }
}

fn number(version: &str) -> (u32, u32) {
    let mut parts = version.split('.').map(|p| p.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

/// Chooses: the option, else our own row, else the lowest of other volume rows, else the
/// database's revision.
pub fn choose(
    option: Option<u8>,
    own: Option<&Versions>,
    others: &[Versions],
    revision: Option<&str>,
) -> Choice {
    let object = |v: Option<&Versions>| v.map_or_else(|| OBJECT.to_owned(), |v| v.object.clone());
    if let Some(release) = option
        && let Some(rpc) = rpc_of_release(release)
    {
        return Choice {
            versions: Versions {
                rpc: rpc.to_owned(),
                object: OBJECT.to_owned(),
            },
            reason: format!("option cinder_release = {release}"),
        };
    }
    if let Some(own) = own {
        return Choice {
            versions: own.clone(),
            reason: "as in our existing service row".to_owned(),
        };
    }
    if let Some(lowest) = others.iter().min_by_key(|v| number(&v.rpc)) {
        return Choice {
            versions: Versions {
                rpc: lowest.rpc.clone(),
                object: object(others.iter().min_by_key(|v| number(&v.object))),
            },
            reason: "the lowest of the other cinder-volume rows".to_owned(),
        };
    }
    let (rpc, reason) = match revision.and_then(|r| rpc_of_head(r).map(|rpc| (rpc, r))) {
        Some((rpc, revision)) => (rpc, format!("database revision {revision}")),
        None => (
            "3.18",
            "no other volume service and an unknown database revision".to_owned(),
        ),
    };
    Choice {
        versions: Versions {
            rpc: rpc.to_owned(),
            object: OBJECT.to_owned(),
        },
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(rpc: &str) -> Versions {
        Versions {
            rpc: rpc.into(),
            object: "1.39".into(),
        }
    }

    #[test]
    fn each_source_wins_over_the_next() {
        let own = versions("3.20");
        let others = [versions("3.19"), versions("3.9"), versions("3.20")];
        let head = Some("9c74c1c6971f");
        let rows = [
            (choose(Some(21), Some(&own), &others, head), "3.18"),
            (choose(None, Some(&own), &others, head), "3.20"),
            (choose(None, None, &others, head), "3.9"),
            (choose(None, None, &[], head), "3.19"),
            (choose(None, None, &[], Some("daa98075b90d")), "3.18"),
            (choose(None, None, &[], Some("future")), "3.18"),
            (choose(Some(99), None, &[], head), "3.19"),
        ];
        for (choice, rpc) in rows {
            assert_eq!(choice.versions, versions(rpc), "{}", choice.reason);
        }
    }
}
