//! Consistency groups and their members.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Made, refuse_if_taken};
use crate::sim::body::Body;
use crate::sim::refusal::Refusal;
use crate::sim::state::Cluster;
use crate::sim::store::{Id, object};
use crate::sim::version::Kind;

/// A consistency group.
#[derive(Debug, Clone)]
pub(crate) struct ConsistencyGroup {
    pub(crate) id: Id,
    pub(crate) members: BTreeSet<u64>,
}

object!(ConsistencyGroup);

pub(crate) fn create(
    cluster: &mut Cluster,
    map: &Map<String, Value>,
) -> Result<Vec<Made>, Refusal> {
    let known: &[&str] = &["consistency-group-name", "vol-list"];
    let body = Body::check(map, &[known, cluster.scope_keys()])?;
    let name = body.required_text("consistency-group-name")?;
    let members: BTreeSet<u64> = body
        .references("vol-list")?
        .iter()
        .map(|reference| cluster.volume_in_body(reference))
        .collect::<Result<_, _>>()?;
    refuse_if_taken(&cluster.groups, Kind::ConsistencyGroups, name)?;
    let id = cluster.groups.add(name, |id| ConsistencyGroup {
        id,
        members: members.clone(),
    });
    for member in members {
        if let Some(volume) = cluster.volumes.get_mut(member) {
            volume.groups.insert(id.index);
        }
    }
    Ok(vec![(Kind::ConsistencyGroups, id)])
}

pub(crate) fn update(
    cluster: &mut Cluster,
    index: u64,
    map: &Map<String, Value>,
) -> Result<(), Refusal> {
    let body = Body::check(map, &[&["new-name"], cluster.scope_keys()])?;
    if !cluster
        .groups
        .rename(index, body.required_text("new-name")?)
    {
        return Err(Refusal::not_unique(Kind::ConsistencyGroups));
    }
    Ok(())
}

/// The group and the volume of a membership command.
fn membership(cluster: &Cluster, map: &Map<String, Value>) -> Result<(u64, u64), Refusal> {
    let body = Body::check(map, &[&["cg-id", "vol-id"], cluster.scope_keys()])?;
    let group = cluster
        .groups
        .find(&body.required_reference("cg-id")?)
        .ok_or_else(|| Refusal::missing(Kind::ConsistencyGroups))?;
    let volume = cluster.volume_in_body(&body.required_reference("vol-id")?)?;
    Ok((group, volume))
}

/// Adds a volume to a group; adding it twice changes nothing.
pub(crate) fn add_member(
    cluster: &mut Cluster,
    map: &Map<String, Value>,
) -> Result<Vec<Made>, Refusal> {
    let (group, volume) = membership(cluster, map)?;
    if let Some(volume) = cluster.volumes.get_mut(volume) {
        volume.groups.insert(group);
    }
    let group = cluster
        .groups
        .get_mut(group)
        .ok_or_else(|| Refusal::missing(Kind::ConsistencyGroups))?;
    group.members.insert(volume);
    Ok(vec![(Kind::ConsistencyGroupVolumes, group.id.clone())])
}

/// Removes a volume from a group.
pub(crate) fn remove_member(
    cluster: &mut Cluster,
    map: &Map<String, Value>,
) -> Result<(), Refusal> {
    let (group, volume) = membership(cluster, map)?;
    let removed = cluster
        .groups
        .get_mut(group)
        .is_some_and(|group| group.members.remove(&volume));
    if !removed {
        return Err(Refusal::missing(Kind::Volumes));
    }
    if let Some(volume) = cluster.volumes.get_mut(volume) {
        volume.groups.remove(&group);
    }
    Ok(())
}

impl Cluster {
    /// Removes a group; its volumes live on.
    pub(crate) fn remove_group(&mut self, index: u64) -> Result<(), Refusal> {
        let group = self.groups.remove(index).ok_or_else(Refusal::not_found)?;
        for member in group.members {
            if let Some(volume) = self.volumes.get_mut(member) {
                volume.groups.remove(&index);
            }
        }
        Ok(())
    }

    pub(crate) fn render_group(&self, group: &ConsistencyGroup) -> Map<String, Value> {
        let more = json!({
            "vol-list": self.volumes.oids(&group.members),
            "num-of-vols": group.members.len(),
            "cg-short-id": group.id.guid[..8],
            "created-by-app": "xms",
        });
        self.object(Kind::ConsistencyGroups, &group.id, more)
    }
}
