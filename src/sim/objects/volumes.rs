//! Volumes. Snapshots and clones are volumes too.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Made, refuse_if_taken};
use crate::sim::body::{Body, Ref, size_kb};
use crate::sim::refusal::Refusal;
use crate::sim::state::{Cluster, now};
use crate::sim::store::{Id, object};
use crate::sim::version::{Api, Kind, XmsVersion};

/// A volume or snapshot.
#[derive(Debug, Clone)]
pub(crate) struct Volume {
    pub(crate) id: Id,
    pub(crate) size_kb: u64,
    pub(crate) lb_size: u64,
    pub(crate) alignment_offset: u64,
    /// Written, hence using physical space, KB.
    pub(crate) written_kb: u64,
    /// Stands for the data: copies share it, a write changes it.
    pub(crate) content: String,
    /// Made as a copy, and so listed under `snapshots`.
    pub(crate) is_snapshot: bool,
    pub(crate) read_only: bool,
    pub(crate) ancestor: Option<u64>,
    pub(crate) children: BTreeSet<u64>,
    /// GUID of the tree of copies.
    pub(crate) tree: String,
    /// Given at the first mapping.
    pub(crate) naa: Option<String>,
    pub(crate) lun_maps: BTreeSet<u64>,
    pub(crate) groups: BTreeSet<u64>,
    pub(crate) snapshot_sets: BTreeSet<u64>,
    pub(crate) settings: Map<String, Value>,
    pub(crate) qos_policy: Option<u64>,
    pub(crate) refreshed: Option<(String, String)>,
    pub(crate) created: String,
}

object!(Volume);

impl Volume {
    pub(crate) fn blank(id: Id, size_kb: u64) -> Self {
        Self {
            tree: id.guid.clone(),
            id,
            size_kb,
            lb_size: 512,
            alignment_offset: 0,
            written_kb: 0,
            content: Uuid::new_v4().to_string(),
            is_snapshot: false,
            read_only: false,
            ancestor: None,
            children: BTreeSet::new(),
            naa: None,
            lun_maps: BTreeSet::new(),
            groups: BTreeSet::new(),
            snapshot_sets: BTreeSet::new(),
            settings: Map::new(),
            qos_policy: None,
            refreshed: None,
            created: now(),
        }
    }
}

const ALERTS: [&str; 3] = ["small-io-alerts", "unaligned-io-alerts", "vaai-tp-alerts"];
const ACCESS: [&str; 3] = ["no_access", "read_access", "write_access"];
const ON_OFF: [&str; 2] = ["enabled", "disabled"];

pub(crate) fn create(
    cluster: &mut Cluster,
    api: Api,
    map: &Map<String, Value>,
) -> Result<Vec<Made>, Refusal> {
    let v1: &[&str] = match api {
        Api::V1 => &["sys-id", "parent-folder-id"],
        _ => &["vol-access"],
    };
    let v6: &[&str] = match cluster.version {
        XmsVersion::V63 => &["qos-policy-id", "created-by-external-client"],
        _ => &[],
    };
    let known: &[&str] = &["vol-name", "vol-size", "lb-size", "alignment-offset"];
    let body = Body::check(map, &[known, &ALERTS, v1, v6, cluster.scope_keys()])?;
    let name = body.required_text("vol-name")?;
    let size = body
        .get("vol-size")
        .ok_or_else(|| Refusal::missing_property("vol-size"))?;
    let size = size_kb(size)?;
    let lb_size = body.number("lb-size")?.unwrap_or(512);
    let alignment = body.number("alignment-offset")?.unwrap_or(0);
    if !matches!(lb_size, 512 | 4096) {
        return Err(Refusal::invalid_value("lb-size"));
    }
    if alignment > 7 || (lb_size == 4096 && alignment > 0) {
        return Err(Refusal::invalid_value("alignment-offset"));
    }
    let settings = settings(body)?;
    let qos_policy = cluster.qos_reference(body)?;
    refuse_if_taken(&cluster.volumes, Kind::Volumes, name)?;
    cluster.room_for(1)?;
    let id = cluster.volumes.add(name, |id| Volume {
        lb_size,
        alignment_offset: alignment,
        settings,
        qos_policy,
        ..Volume::blank(id, size)
    });
    Ok(vec![(Kind::Volumes, id)])
}

/// The properties that are only kept and shown.
fn settings(body: Body<'_>) -> Result<Map<String, Value>, Refusal> {
    let mut settings = Map::new();
    let locked = ["management-locked"];
    for key in ALERTS.iter().chain(&locked) {
        if let Some(word) = body.word(key, &ON_OFF)? {
            settings.insert((*key).to_owned(), json!(word));
        }
    }
    if let Some(word) = body.word("vol-access", &ACCESS)? {
        settings.insert("vol-access".into(), json!(word));
    }
    if let Some(client) = body.text("created-by-external-client")? {
        settings.insert("created-by-external-client".into(), json!(client));
    }
    Ok(settings)
}

pub(crate) fn update(
    cluster: &mut Cluster,
    index: u64,
    map: &Map<String, Value>,
) -> Result<(), Refusal> {
    let v6: &[&str] = match cluster.version {
        XmsVersion::V63 => &["management-locked", "qos-policy-id", "remove-qos-policy"],
        _ => &[],
    };
    let known: &[&str] = &["vol-size", "vol-name", "name", "vol-access", "vol-id"];
    let body = Body::check(map, &[known, &ALERTS, v6, cluster.scope_keys()])?;
    let name = match body.text("vol-name")? {
        None => body.text("name")?,
        some => some,
    };
    let size = body.get("vol-size").map(size_kb).transpose()?;
    let settings = settings(body)?;
    let qos_policy = cluster.qos_reference(body)?;
    if let Some(size) = size {
        let volume = cluster.volumes.get(index).ok_or_else(Refusal::not_found)?;
        if size < volume.size_kb {
            return Err(Refusal::new("decreasing is not supported"));
        }
    }
    if let Some(name) = name
        && !cluster.volumes.rename(index, name)
    {
        return Err(Refusal::not_unique(Kind::Volumes));
    }
    let volume = cluster
        .volumes
        .get_mut(index)
        .ok_or_else(Refusal::not_found)?;
    volume.size_kb = size.unwrap_or(volume.size_kb);
    volume.settings.extend(settings);
    if body.has("remove-qos-policy") {
        volume.qos_policy = None;
    }
    volume.qos_policy = qos_policy.or(volume.qos_policy);
    Ok(())
}

impl Cluster {
    /// Body keys that name the cluster.
    pub(crate) fn scope_keys(&self) -> &'static [&'static str] {
        if self.version >= XmsVersion::V40 {
            &["cluster-id"]
        } else {
            &[]
        }
    }

    /// Refuses if `more` volumes or snapshots go beyond the cluster's limit.
    pub(crate) fn room_for(&self, more: usize) -> Result<(), Refusal> {
        if self.volumes.len() + more > self.limits.volumes {
            return Err(Refusal::new("too_many_objs"));
        }
        Ok(())
    }

    /// The volume a body means.
    pub(crate) fn volume_in_body(&self, reference: &Ref) -> Result<u64, Refusal> {
        self.volumes
            .find(reference)
            .ok_or_else(|| Refusal::missing(Kind::Volumes))
    }

    /// Removes a volume with its mappings and memberships. Its copies live on: they become
    /// children of its own ancestor.
    pub(crate) fn remove_volume(&mut self, index: u64) -> Result<(), Refusal> {
        let volume = self.volumes.remove(index).ok_or_else(Refusal::not_found)?;
        for child in &volume.children {
            if let Some(child) = self.volumes.get_mut(*child) {
                child.ancestor = volume.ancestor;
            }
        }
        if let Some(parent) = volume.ancestor.and_then(|a| self.volumes.get_mut(a)) {
            parent.children.remove(&index);
            parent.children.extend(&volume.children);
        }
        for map in &volume.lun_maps {
            self.remove_lun_map(*map);
        }
        for group in &volume.groups {
            if let Some(group) = self.groups.get_mut(*group) {
                group.members.remove(&index);
            }
        }
        for set in &volume.snapshot_sets {
            let empty = self.snapshot_sets.get_mut(*set).is_some_and(|set| {
                set.members.remove(&index);
                set.members.is_empty()
            });
            if empty {
                self.snapshot_sets.remove(*set);
            }
        }
        Ok(())
    }

    pub(crate) fn render_volume(&self, volume: &Volume) -> Map<String, Value> {
        let luns: Vec<Value> = volume
            .lun_maps
            .iter()
            .filter_map(|index| self.lun_maps.get(*index))
            .map(|map| {
                json!([
                    self.initiator_groups.oid(map.group),
                    self.target_groups.oid(map.target_group),
                    map.lun
                ])
            })
            .collect();
        let mut more = json!({
            "vol-size": volume.size_kb.to_string(),
            "lb-size": volume.lb_size,
            "alignment-offset": volume.alignment_offset,
            "logical-space-in-use": volume.written_kb.to_string(),
            "naa-name": volume.naa.clone().unwrap_or_default(),
            "num-of-lun-mappings": volume.lun_maps.len(),
            "lun-mapping-list": luns,
            "num-of-dest-snaps": volume.children.len(),
            "dest-snap-list": self.volumes.oids(&volume.children),
            "ancestor-vol-id": volume.ancestor.map_or(json!([]), |a| self.volumes.oid(a)),
            "snapgrp-id": [volume.tree, "", 0],
            "vol-type": "regular",
            "vol-access": if volume.read_only { "read_access" } else { "write_access" },
            "small-io-alerts": "disabled",
            "unaligned-io-alerts": "disabled",
            "vaai-tp-alerts": "disabled",
            "creation-time": volume.created,
        });
        let mut put = |key: &str, value: Value| more[key] = value;
        if self.version >= XmsVersion::V40 {
            put(
                "snapset-list",
                self.snapshot_sets.oids(&volume.snapshot_sets),
            );
            put(
                "related-consistency-groups",
                self.groups.oids(&volume.groups),
            );
            let kind = if volume.read_only {
                "readonly"
            } else {
                "regular"
            };
            put("snapshot-type", json!(kind));
            put("created-by-app", json!("xms"));
        }
        if self.version >= XmsVersion::V42 {
            let (time, from) = volume.refreshed.clone().unzip();
            put("last-refresh-time", json!(time));
            put("last-refreshed-from-obj-name", json!(from));
        }
        if self.version >= XmsVersion::V63 {
            put("management-locked", json!("disabled"));
            put("created-by-external-client", json!(""));
            let qos = volume
                .qos_policy
                .map_or(Value::Null, |q| self.qos_policies.oid(q));
            put("qos-policy-id", qos);
        }
        let mut object = self.object(Kind::Volumes, &volume.id, more);
        object.extend(volume.settings.clone());
        object
    }
}
