//! QoS policies (6.x): kept, shown and referred to; nothing is limited by them.

use serde_json::{Map, Value, json};

use super::{Made, refuse_if_taken};
use crate::sim::body::Body;
use crate::sim::refusal::Refusal;
use crate::sim::state::Cluster;
use crate::sim::store::{Id, object};
use crate::sim::version::Kind;

/// A QoS policy and its limits as they were sent.
#[derive(Debug, Clone)]
pub(crate) struct QosPolicy {
    pub(crate) id: Id,
    pub(crate) limits: Map<String, Value>,
}

object!(QosPolicy);

const LIMITS: [&str; 5] = [
    "limit-type",
    "max-bw",
    "max-iops",
    "io-size",
    "burst-percentage",
];

fn limits(body: Body<'_>) -> Map<String, Value> {
    let sent = LIMITS.iter().filter_map(|key| Some((*key, body.get(key)?)));
    sent.map(|(key, value)| (key.to_owned(), value.clone()))
        .collect()
}

pub(crate) fn create(
    cluster: &mut Cluster,
    map: &Map<String, Value>,
) -> Result<Vec<Made>, Refusal> {
    let body = Body::check(map, &[&["qos-policy-name"], &LIMITS, cluster.scope_keys()])?;
    let name = body.required_text("qos-policy-name")?;
    refuse_if_taken(&cluster.qos_policies, Kind::QosPolicies, name)?;
    let limits = limits(body);
    let id = cluster
        .qos_policies
        .add(name, |id| QosPolicy { id, limits });
    Ok(vec![(Kind::QosPolicies, id)])
}

pub(crate) fn update(
    cluster: &mut Cluster,
    index: u64,
    map: &Map<String, Value>,
) -> Result<(), Refusal> {
    let body = Body::check(map, &[&["new-name"], &LIMITS, cluster.scope_keys()])?;
    if let Some(name) = body.text("new-name")?
        && !cluster.qos_policies.rename(index, name)
    {
        return Err(Refusal::not_unique(Kind::QosPolicies));
    }
    if let Some(policy) = cluster.qos_policies.get_mut(index) {
        policy.limits.extend(limits(body));
    }
    Ok(())
}

impl Cluster {
    /// The policy that `qos-policy-id` in a body means.
    pub(crate) fn qos_reference(&self, body: Body<'_>) -> Result<Option<u64>, Refusal> {
        let Some(policy) = body.reference("qos-policy-id")? else {
            return Ok(None);
        };
        self.qos_policies
            .find(&policy)
            .map(Some)
            .ok_or_else(|| Refusal::missing(Kind::QosPolicies))
    }

    /// Removes a policy that nothing refers to.
    pub(crate) fn remove_qos_policy(&mut self, index: u64) -> Result<(), Refusal> {
        let used = self.volumes.iter().any(|v| v.qos_policy == Some(index))
            || self
                .initiator_groups
                .iter()
                .any(|g| g.qos_policy == Some(index));
        if used {
            return Err(Refusal::new("qos_policy_in_use"));
        }
        self.qos_policies
            .remove(index)
            .map(|_| ())
            .ok_or_else(Refusal::not_found)
    }

    pub(crate) fn render_qos_policy(&self, policy: &QosPolicy) -> Map<String, Value> {
        self.object(Kind::QosPolicies, &policy.id, json!(policy.limits))
    }
}
