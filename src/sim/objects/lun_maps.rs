//! Mappings of volumes to initiator groups.

use serde_json::{Map, Value, json};

use super::Made;
use crate::sim::body::{Body, Ref};
use crate::sim::refusal::Refusal;
use crate::sim::state::Cluster;
use crate::sim::store::{Id, object};
use crate::sim::version::{Kind, XmsVersion};

/// Largest LUN.
const MAX_LUN: u64 = 16_383;

/// A volume made visible to the initiators of a group.
#[derive(Debug, Clone)]
pub(crate) struct LunMap {
    pub(crate) id: Id,
    pub(crate) volume: u64,
    pub(crate) group: u64,
    pub(crate) target_group: u64,
    pub(crate) lun: u64,
}

object!(LunMap);

pub(crate) fn create(
    cluster: &mut Cluster,
    map: &Map<String, Value>,
) -> Result<Vec<Made>, Refusal> {
    let known: &[&str] = &["vol-id", "ig-id", "tg-id", "lun"];
    let body = Body::check(map, &[known, cluster.scope_keys()])?;
    let volume = cluster.volume_in_body(&body.required_reference("vol-id")?)?;
    let group = cluster
        .initiator_groups
        .find(&body.required_reference("ig-id")?)
        .ok_or_else(|| Refusal::missing(Kind::InitiatorGroups))?;
    let target_group = body.reference("tg-id")?.unwrap_or(Ref::Index(1));
    let target_group = cluster
        .target_groups
        .find(&target_group)
        .ok_or_else(|| Refusal::missing(Kind::TargetGroups))?;
    let mapped = cluster.target_groups.iter().any(|tg| {
        cluster
            .lun_maps
            .has_name(&format!("{volume}_{group}_{}", tg.id.index))
    });
    if mapped {
        return Err(Refusal::new("vol_already_mapped"));
    }
    let lun = cluster.choose_lun(group, body.number("lun")?)?;
    let naa = format!("514f0c5{:02x}{volume:07x}", cluster.id.index);
    let id = cluster
        .lun_maps
        .add(format!("{volume}_{group}_{target_group}"), |id| LunMap {
            id,
            volume,
            group,
            target_group,
            lun,
        });
    if let Some(volume) = cluster.volumes.get_mut(volume) {
        volume.lun_maps.insert(id.index);
        volume.naa.get_or_insert(naa);
    }
    if let Some(group) = cluster.initiator_groups.get_mut(group) {
        group.lun_maps.insert(id.index);
    }
    Ok(vec![(Kind::LunMaps, id)])
}

impl Cluster {
    /// The wanted LUN if the group has it free, else the lowest free one.
    fn choose_lun(&self, group: u64, wanted: Option<u64>) -> Result<u64, Refusal> {
        let used: std::collections::BTreeSet<u64> = self
            .initiator_groups
            .get(group)
            .into_iter()
            .flat_map(|group| &group.lun_maps)
            .filter_map(|map| self.lun_maps.get(*map))
            .map(|map| map.lun)
            .collect();
        match wanted {
            Some(lun) if lun > MAX_LUN => Err(Refusal::invalid_value("lun")),
            Some(lun) if used.contains(&lun) => Err(Refusal::new("lun_in_use")),
            Some(lun) => Ok(lun),
            None => (1..=MAX_LUN)
                .find(|lun| !used.contains(lun))
                .ok_or_else(|| Refusal::new("too_many_objs")),
        }
    }

    /// Removes a mapping; false if there is none.
    pub(crate) fn remove_lun_map(&mut self, index: u64) -> bool {
        let Some(map) = self.lun_maps.remove(index) else {
            return false;
        };
        if let Some(volume) = self.volumes.get_mut(map.volume) {
            volume.lun_maps.remove(&index);
        }
        if let Some(group) = self.initiator_groups.get_mut(map.group) {
            group.lun_maps.remove(&index);
        }
        true
    }

    pub(crate) fn render_lun_map(&self, map: &LunMap) -> Map<String, Value> {
        let volume = self.volumes.get(map.volume).map(|v| v.id.name.clone());
        let group = self.initiator_groups.get(map.group);
        let target_group = self.target_groups.get(map.target_group);
        let more = json!({
            "mapping-index": map.id.index,
            "vol-index": map.volume,
            "vol-name": volume,
            "ig-index": map.group,
            "ig-name": group.map(|g| g.id.name.clone()),
            "tg-index": map.target_group,
            "tg-name": target_group.map(|t| t.id.name.clone()),
            "lun": map.lun,
        });
        let mut object = self.object(Kind::LunMaps, &map.id, more);
        if self.version < XmsVersion::V40 {
            // Only inside `mapping-id` on these.
            object.remove("name");
            object.remove("index");
        }
        object
    }
}
