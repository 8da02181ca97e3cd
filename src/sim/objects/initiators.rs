//! Initiators, their CHAP credentials, and the groups they belong to.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};

use super::{Made, refuse_if_taken};
use crate::sim::body::Body;
use crate::sim::refusal::Refusal;
use crate::sim::state::Cluster;
use crate::sim::store::{Id, object};
use crate::sim::version::{Api, Kind, XmsVersion};

/// A group of initiators that see the same volumes.
#[derive(Debug, Clone)]
pub(crate) struct InitiatorGroup {
    pub(crate) id: Id,
    pub(crate) lun_maps: BTreeSet<u64>,
    pub(crate) qos_policy: Option<u64>,
}

/// One port of a host.
#[derive(Debug, Clone)]
pub(crate) struct Initiator {
    pub(crate) id: Id,
    pub(crate) port_address: String,
    pub(crate) group: u64,
    pub(crate) operating_system: String,
    /// By the property that shows it; user names are kept alike.
    pub(crate) credentials: BTreeMap<&'static str, SecretString>,
}

object!(InitiatorGroup, Initiator);

/// How a credential is written, how it is shown, and what removes its pair.
const CREDENTIALS: [(&str, &str, &str); 8] = {
    const LOGIN: &str = "remove-initiator-authentication-credentials";
    const DISCOVERY: &str = "remove-initiator-discovery-credentials";
    const MUTUAL_LOGIN: &str = "remove-cluster-authentication-credentials";
    const MUTUAL_DISCOVERY: &str = "remove-cluster-discovery-credentials";
    [
        (
            "initiator-authentication-user-name",
            "chap-authentication-initiator-user-name",
            LOGIN,
        ),
        (
            "initiator-authentication-password",
            "chap-authentication-initiator-password",
            LOGIN,
        ),
        (
            "initiator-discovery-user-name",
            "chap-discovery-initiator-user-name",
            DISCOVERY,
        ),
        (
            "initiator-discovery-password",
            "chap-discovery-initiator-password",
            DISCOVERY,
        ),
        (
            "cluster-authentication-user-name",
            "chap-authentication-cluster-user-name",
            MUTUAL_LOGIN,
        ),
        (
            "cluster-authentication-password",
            "chap-authentication-cluster-password",
            MUTUAL_LOGIN,
        ),
        (
            "cluster-discovery-user-name",
            "chap-discovery-cluster-user-name",
            MUTUAL_DISCOVERY,
        ),
        (
            "cluster-discovery-password",
            "chap-discovery-cluster-password",
            MUTUAL_DISCOVERY,
        ),
    ]
};

const SYSTEMS: [&str; 7] = ["linux", "windows", "esx", "solaris", "aix", "hpux", "other"];

pub(crate) fn create_group(
    cluster: &mut Cluster,
    api: Api,
    map: &Map<String, Value>,
) -> Result<Vec<Made>, Refusal> {
    let more: &[&str] = match (api, cluster.version) {
        (Api::V1, _) => &["parent-folder-id"],
        (_, XmsVersion::V63) => &["qos-policy-id"],
        _ => &[],
    };
    let body = Body::check(map, &[&["ig-name"], more, cluster.scope_keys()])?;
    let name = body.required_text("ig-name")?;
    let qos_policy = cluster.qos_reference(body)?;
    refuse_if_taken(&cluster.initiator_groups, Kind::InitiatorGroups, name)?;
    let id = cluster.initiator_groups.add(name, |id| InitiatorGroup {
        id,
        lun_maps: BTreeSet::new(),
        qos_policy,
    });
    Ok(vec![(Kind::InitiatorGroups, id)])
}

pub(crate) fn update_group(
    cluster: &mut Cluster,
    index: u64,
    map: &Map<String, Value>,
) -> Result<(), Refusal> {
    let v6: &[&str] = match cluster.version {
        XmsVersion::V63 => &["qos-policy-id", "remove-qos-policy"],
        _ => &[],
    };
    let known: &[&str] = &["new-name", "operating-system"];
    let body = Body::check(map, &[known, v6, cluster.scope_keys()])?;
    let system = body.word("operating-system", &SYSTEMS)?;
    let qos_policy = cluster.qos_reference(body)?;
    if let Some(name) = body.text("new-name")?
        && !cluster.initiator_groups.rename(index, name)
    {
        return Err(Refusal::not_unique(Kind::InitiatorGroups));
    }
    if let Some(group) = cluster.initiator_groups.get_mut(index) {
        if body.has("remove-qos-policy") {
            group.qos_policy = None;
        }
        group.qos_policy = qos_policy.or(group.qos_policy);
    }
    if let Some(system) = system {
        for member in cluster.initiators_of(index) {
            if let Some(initiator) = cluster.initiators.get_mut(member) {
                initiator.operating_system = system.to_owned();
            }
        }
    }
    Ok(())
}

/// The keys of an initiator's body that both making and changing know.
fn initiator_keys(api: Api) -> Vec<&'static str> {
    let mut keys = vec!["initiator-name", "port-address"];
    if api != Api::V1 {
        keys.push("operating-system");
    }
    keys.extend(CREDENTIALS.iter().map(|(write, _, _)| *write));
    keys
}

fn credentials(body: Body<'_>) -> Result<BTreeMap<&'static str, SecretString>, Refusal> {
    let mut found = BTreeMap::new();
    for (write, read, _) in CREDENTIALS {
        if let Some(text) = body.text(write)? {
            found.insert(read, SecretString::from(text));
        }
    }
    Ok(found)
}

pub(crate) fn create(
    cluster: &mut Cluster,
    api: Api,
    map: &Map<String, Value>,
) -> Result<Vec<Made>, Refusal> {
    let group_keys: &[&str] = match api {
        Api::V1 => &["ig-id", "ig-name"],
        _ => &["ig-id"],
    };
    let body = Body::check(
        map,
        &[&initiator_keys(api), group_keys, cluster.scope_keys()],
    )?;
    let address = port_address(body.required_text("port-address")?)?;
    let name = body.text("initiator-name")?.unwrap_or(&address);
    let group = match body.reference("ig-id")? {
        Some(group) => group,
        None if api == Api::V1 => body.required_reference("ig-name")?,
        None => return Err(Refusal::missing_property("ig-id")),
    };
    let group = cluster
        .initiator_groups
        .find(&group)
        .ok_or_else(|| Refusal::missing(Kind::InitiatorGroups))?;
    let system = body.word("operating-system", &SYSTEMS)?.unwrap_or("other");
    let credentials = credentials(body)?;
    refuse_if_taken(&cluster.initiators, Kind::Initiators, name)?;
    cluster.refuse_known_address(&address, None)?;
    let id = cluster.initiators.add(name, |id| Initiator {
        id,
        port_address: address.clone(),
        group,
        operating_system: system.to_owned(),
        credentials,
    });
    Ok(vec![(Kind::Initiators, id)])
}

pub(crate) fn update(
    cluster: &mut Cluster,
    api: Api,
    index: u64,
    map: &Map<String, Value>,
) -> Result<(), Refusal> {
    let removals: Vec<&str> = CREDENTIALS.iter().map(|(_, _, remove)| *remove).collect();
    let keys = initiator_keys(api);
    let body = Body::check(
        map,
        &[&keys, &["initiator-id"], &removals, cluster.scope_keys()],
    )?;
    let address = body.text("port-address")?.map(port_address).transpose()?;
    let system = body.word("operating-system", &SYSTEMS)?;
    let credentials = credentials(body)?;
    if let Some(address) = &address {
        cluster.refuse_known_address(address, Some(index))?;
    }
    if let Some(name) = body.text("initiator-name")?
        && !cluster.initiators.rename(index, name)
    {
        return Err(Refusal::not_unique(Kind::Initiators));
    }
    let initiator = cluster
        .initiators
        .get_mut(index)
        .ok_or_else(Refusal::not_found)?;
    if let Some(address) = address {
        initiator.port_address = address;
    }
    if let Some(system) = system {
        initiator.operating_system = system.to_owned();
    }
    for (_, read, remove) in CREDENTIALS {
        if body.has(remove) {
            initiator.credentials.remove(read);
        }
    }
    initiator.credentials.extend(credentials);
    Ok(())
}

/// An IQN as it is; a WWN with colons, whether they were written or not.
fn port_address(text: &str) -> Result<String, Refusal> {
    if ["iqn.", "eui.", "naa."].iter().any(|p| text.starts_with(p)) {
        return Ok(text.to_owned());
    }
    let digits: String = text
        .strip_prefix("0x")
        .unwrap_or(text)
        .chars()
        .filter(|c| *c != ':')
        .collect();
    if digits.len() != 16 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(Refusal::invalid_value("port-address"));
    }
    let pairs: Vec<&str> = (0..8).map(|at| &digits[2 * at..2 * at + 2]).collect();
    Ok(pairs.join(":"))
}

impl Cluster {
    fn refuse_known_address(&self, address: &str, except: Option<u64>) -> Result<(), Refusal> {
        let known = self.initiators.iter().any(|initiator| {
            initiator.port_address.eq_ignore_ascii_case(address)
                && Some(initiator.id.index) != except
        });
        if known {
            return Err(Refusal::new("port_address_not_unique"));
        }
        Ok(())
    }

    fn initiators_of(&self, group: u64) -> Vec<u64> {
        let members = self.initiators.iter().filter(|i| i.group == group);
        members.map(|i| i.id.index).collect()
    }

    /// Removes a group with its initiators, unless volumes are mapped to it.
    pub(crate) fn remove_initiator_group(&mut self, index: u64) -> Result<(), Refusal> {
        let group = self
            .initiator_groups
            .get(index)
            .ok_or_else(Refusal::not_found)?;
        if !group.lun_maps.is_empty() {
            return Err(Refusal::new("ig_has_mapped_volumes"));
        }
        for member in self.initiators_of(index) {
            self.initiators.remove(member);
        }
        self.initiator_groups.remove(index);
        Ok(())
    }

    pub(crate) fn render_initiator_group(&self, group: &InitiatorGroup) -> Map<String, Value> {
        let mut more = json!({
            "num-of-initiators": self.initiators_of(group.id.index).len(),
            "num-of-vols": group.lun_maps.len(),
        });
        if self.version >= XmsVersion::V63 {
            more["qos-policy-id"] = group
                .qos_policy
                .map_or(Value::Null, |q| self.qos_policies.oid(q));
        }
        self.object(Kind::InitiatorGroups, &group.id, more)
    }

    pub(crate) fn render_initiator(&self, initiator: &Initiator) -> Map<String, Value> {
        let iscsi = initiator.port_address.starts_with("iqn.");
        let mut more = json!({
            "port-address": initiator.port_address,
            "port-type": if iscsi { "iscsi" } else { "fc" },
            "ig-id": self.initiator_groups.oid(initiator.group),
            "initiator-conn-state": "disconnected",
            "num-of-conn-tars": 0,
        });
        if self.version >= XmsVersion::V40 {
            more["operating-system"] = json!(initiator.operating_system);
        }
        for (_, read, _) in CREDENTIALS {
            // The array hands secrets out in clear; hosts are told them this way.
            let secret = initiator.credentials.get(read);
            more[read] = json!(secret.map(|secret| secret.expose_secret()));
        }
        self.object(Kind::Initiators, &initiator.id, more)
    }
}
