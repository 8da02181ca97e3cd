//! Snapshot sets: what one snapshot call made.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::sim::body::Body;
use crate::sim::refusal::Refusal;
use crate::sim::state::{Cluster, epoch_ms};
use crate::sim::store::{Id, object};
use crate::sim::version::Kind;

/// Snapshots made together.
#[derive(Debug, Clone)]
pub(crate) struct SnapshotSet {
    pub(crate) id: Id,
    pub(crate) members: BTreeSet<u64>,
    pub(crate) group: Option<u64>,
    pub(crate) created_ms: i64,
}

object!(SnapshotSet);

impl Cluster {
    pub(crate) fn add_snapshot_set(
        &mut self,
        name: &str,
        members: BTreeSet<u64>,
        group: Option<u64>,
    ) {
        let set = self.snapshot_sets.add(name, |id| SnapshotSet {
            id,
            members: members.clone(),
            group,
            created_ms: epoch_ms(),
        });
        for member in members {
            if let Some(volume) = self.volumes.get_mut(member) {
                volume.snapshot_sets.insert(set.index);
            }
        }
    }

    /// Removes a set with its snapshots.
    pub(crate) fn remove_snapshot_set(&mut self, index: u64) -> Result<(), Refusal> {
        let set = self
            .snapshot_sets
            .remove(index)
            .ok_or_else(Refusal::not_found)?;
        for member in set.members {
            self.remove_volume(member)?;
        }
        Ok(())
    }

    pub(crate) fn render_snapshot_set(&self, set: &SnapshotSet) -> Map<String, Value> {
        let group = set.group.and_then(|group| self.groups.get(group));
        let more = json!({
            "vol-list": self.volumes.oids(&set.members),
            "num-of-vols": set.members.len(),
            "cg-name": group.map(|g| g.id.name.clone()),
            "cg-oid": group.map(|g| g.id.oid()),
            "creation-time-long": set.created_ms.to_string(),
            "snapset-short-id": set.id.guid[..8],
        });
        self.object(Kind::SnapshotSets, &set.id, more)
    }
}

pub(crate) fn update(
    cluster: &mut Cluster,
    index: u64,
    map: &Map<String, Value>,
) -> Result<(), Refusal> {
    let body = Body::check(map, &[&["new-name"], cluster.scope_keys()])?;
    let name = body.required_text("new-name")?;
    if !cluster.snapshot_sets.rename(index, name) {
        return Err(Refusal::not_unique(Kind::SnapshotSets));
    }
    Ok(())
}
