//! Which Cinder release's version strings our service row carries.
//!
//! All clients cap what they send by the lowest versions among the service rows, and refuse
//! rows without any: the row must say what the release in use says, not what we could do.

/// The versions to write, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    /// `rpc_current_version`, e.g. `3.20`.
    pub(super) rpc: String,
    /// `object_current_version`, `1.39` in every release 21..29.
    pub(super) object: String,
    /// For the log.
    pub(super) reason: String,
}

const OBJECT: &str = "1.39";

/// Volume RPC API of a Cinder release 21..29 (facts measured on the releases themselves).
pub(super) fn rpc_of_release(release: u8) -> Option<&'static str> {
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
/// database's revision. Versions are pairs of RPC API and object list.
pub(super) fn choose(
    option: Option<u8>,
    own: Option<(String, String)>,
    others: &[(String, String)],
    revision: Option<&str>,
) -> Choice {
    let chosen = |rpc: &str, object: &str, reason: String| Choice {
        rpc: rpc.to_owned(),
        object: object.to_owned(),
        reason,
    };
    if let Some(release) = option
        && let Some(rpc) = rpc_of_release(release)
    {
        return chosen(rpc, OBJECT, format!("option cinder_release = {release}"));
    }
    if let Some((rpc, object)) = own {
        return chosen(&rpc, &object, "as in our existing service row".to_owned());
    }
    let rpcs = others.iter().map(|(rpc, _)| rpc);
    let objects = others.iter().map(|(_, object)| object);
    if let (Some(rpc), Some(object)) = (
        rpcs.min_by_key(|v| number(v)),
        objects.min_by_key(|v| number(v)),
    ) {
        let reason = "the lowest of the other cinder-volume rows".to_owned();
        return chosen(rpc, object, reason);
    }
    match revision.and_then(|r| rpc_of_head(r).map(|rpc| (rpc, r))) {
        Some((rpc, revision)) => chosen(rpc, OBJECT, format!("database revision {revision}")),
        None => {
            let reason = "no other volume service and an unknown database revision".to_owned();
            chosen("3.18", OBJECT, reason)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(rpc: &str) -> (String, String) {
        (rpc.to_owned(), OBJECT.to_owned())
    }

    #[test]
    fn each_source_wins_over_the_next() {
        let own = || Some(versions("3.20"));
        let others = [versions("3.19"), versions("3.9"), versions("3.20")];
        let head = Some("9c74c1c6971f");
        let rows = [
            (choose(Some(21), own(), &others, head), "3.18"),
            (choose(None, own(), &others, head), "3.20"),
            (choose(None, None, &others, head), "3.9"),
            (choose(None, None, &[], head), "3.19"),
            (choose(None, None, &[], Some("daa98075b90d")), "3.18"),
            (choose(None, None, &[], Some("future")), "3.18"),
            (choose(Some(99), None, &[], head), "3.19"),
        ];
        for (choice, rpc) in rows {
            assert_eq!(
                (choice.rpc.as_str(), choice.object.as_str()),
                (rpc, OBJECT),
                "{}",
                choice.reason
            );
        }
    }
}
