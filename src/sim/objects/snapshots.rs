//! Making copies, one or many at a time, and putting their data back.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::volumes::Volume;
use super::{Made, refuse_if_taken};
use crate::sim::body::{Body, Ref};
use crate::sim::refusal::Refusal;
use crate::sim::state::{Cluster, epoch_ms, now};
use crate::sim::version::{Api, Kind, XmsVersion};

const FROM: [&str; 3] = [
    "from-volume-id",
    "from-snapshot-set-id",
    "from-consistency-group-id",
];
const TO: [&str; 3] = [
    "to-volume-id",
    "to-snapshot-set-id",
    "to-consistency-group-id",
];

/// A copy to make: of which volume, under which name.
struct Copy {
    source: u64,
    name: String,
}

pub(crate) fn create(
    cluster: &mut Cluster,
    api: Api,
    map: &Map<String, Value>,
) -> Result<Vec<Made>, Refusal> {
    if api == Api::V1 {
        return create_v1(cluster, map);
    }
    if FROM.iter().chain(&TO).any(|key| map.contains_key(*key)) {
        return refresh(cluster, map);
    }
    let sources: &[&str] = &["volume-list", "consistency-group-id", "snapshot-set-id"];
    let known: &[&str] = &["snapshot-set-name", "snap-suffix", "snapshot-type"];
    let body = Body::check(map, &[sources, known, cluster.scope_keys()])?;
    let kind = body.word("snapshot-type", &["regular", "readonly"])?;
    let sources = if body.has("volume-list") {
        body.references("volume-list")?
            .iter()
            .map(|reference| cluster.volume_in_body(reference))
            .collect::<Result<Vec<_>, _>>()?
    } else if let Some(group) = body.reference("consistency-group-id")? {
        cluster.members_of(Kind::ConsistencyGroups, &group)?
    } else if let Some(set) = body.reference("snapshot-set-id")? {
        cluster.members_of(Kind::SnapshotSets, &set)?
    } else {
        return Err(Refusal::missing_property("volume-list"));
    };
    let suffix = match body.text("snap-suffix")? {
        Some(suffix) if suffix.len() > 64 => return Err(Refusal::invalid_value("snap-suffix")),
        Some(suffix) => suffix.to_owned(),
        None => epoch_ms().to_string(),
    };
    let copies = cluster.suffixed(&sources, &suffix)?;
    let origin = body.reference("consistency-group-id")?;
    let origin = origin.and_then(|group| cluster.groups.find(&group));
    let set = body.text("snapshot-set-name")?;
    cluster.copy(&copies, kind == Some("readonly"), set, origin)
}

/// The older form: exact names, always writable, and no set where sets do not exist.
fn create_v1(cluster: &mut Cluster, map: &Map<String, Value>) -> Result<Vec<Made>, Refusal> {
    const ONE: [&str; 2] = ["ancestor-vol-id", "snap-vol-name"];
    let body = Body::check(
        map,
        &[&ONE, &["snap-list", "folder-id"], cluster.scope_keys()],
    )?;
    let one = |cluster: &Cluster, body: Body<'_>| {
        Ok(Copy {
            source: cluster.volume_in_body(&body.required_reference("ancestor-vol-id")?)?,
            name: body.required_text("snap-vol-name")?.to_owned(),
        })
    };
    let copies = match body.get("snap-list") {
        None => vec![one(cluster, body)?],
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| {
                let item = item
                    .as_object()
                    .ok_or_else(|| Refusal::invalid_value("snap-list"))?;
                one(cluster, Body::check(item, &[&ONE])?)
            })
            .collect::<Result<_, Refusal>>()?,
        Some(_) => return Err(Refusal::invalid_value("snap-list")),
    };
    cluster.copy(&copies, false, None, None)
}

/// Gives volumes the data of others of the same tree; their identity stays.
fn refresh(cluster: &mut Cluster, map: &Map<String, Value>) -> Result<Vec<Made>, Refusal> {
    let known: &[&str] = &["snapshot-set-name", "backup-snap-suffix", "no-backup"];
    let body = Body::check(map, &[&FROM, &TO, known, cluster.scope_keys()])?;
    let from = cluster.side(body, FROM)?;
    let to = cluster.side(body, TO)?;
    if from.len() != to.len() {
        return Err(Refusal::missing(Kind::Volumes));
    }
    let mut pairs = Vec::new();
    let mut free: BTreeSet<u64> = from.into_iter().collect();
    for target in to {
        let source = cluster
            .related(target, &free)
            .ok_or_else(|| Refusal::missing(Kind::Volumes))?;
        free.remove(&source);
        if cluster.size_of(source) != cluster.size_of(target) {
            return Err(Refusal::new("invalid_vol_size"));
        }
        pairs.push((source, target));
    }
    let made = if body.get("no-backup").is_some() {
        Vec::new()
    } else {
        let suffix = match body.text("backup-snap-suffix")? {
            Some(suffix) => suffix.to_owned(),
            None => epoch_ms().to_string(),
        };
        let targets: Vec<u64> = pairs.iter().map(|(_, target)| *target).collect();
        let copies = cluster.suffixed(&targets, &suffix)?;
        cluster.copy(&copies, false, body.text("snapshot-set-name")?, None)?
    };
    for (source, target) in &pairs {
        let Some(source) = cluster.volumes.get(*source).cloned() else {
            continue;
        };
        if let Some(target) = cluster.volumes.get_mut(*target) {
            target.content = source.content;
            target.written_kb = source.written_kb;
            target.refreshed = Some((now(), source.id.name));
            cluster.copied.push((source.id.index, target.id.index));
        }
    }
    if made.is_empty() {
        let targets = pairs.iter().filter_map(|(_, t)| cluster.volumes.get(*t));
        return Ok(targets.map(|v| (Kind::Volumes, v.id.clone())).collect());
    }
    Ok(made)
}

impl Cluster {
    fn size_of(&self, index: u64) -> u64 {
        self.volumes.get(index).map_or(0, |volume| volume.size_kb)
    }

    /// Members of a group or set named in a body.
    fn members_of(&self, kind: Kind, reference: &Ref) -> Result<Vec<u64>, Refusal> {
        let members = if kind == Kind::ConsistencyGroups {
            let index = self.groups.find(reference);
            index.and_then(|i| self.groups.get(i)).map(|g| &g.members)
        } else {
            let index = self.snapshot_sets.find(reference);
            index
                .and_then(|i| self.snapshot_sets.get(i))
                .map(|s| &s.members)
        };
        members
            .map(|members| members.iter().copied().collect())
            .ok_or_else(|| Refusal::missing(kind))
    }

    /// The volumes on one side of a refresh.
    fn side(&self, body: Body<'_>, keys: [&str; 3]) -> Result<Vec<u64>, Refusal> {
        let [volume, set, group] = keys;
        if let Some(volume) = body.reference(volume)? {
            Ok(vec![self.volume_in_body(&volume)?])
        } else if let Some(set) = body.reference(set)? {
            self.members_of(Kind::SnapshotSets, &set)
        } else if let Some(group) = body.reference(group)? {
            self.members_of(Kind::ConsistencyGroups, &group)
        } else {
            Err(Refusal::missing_property(volume))
        }
    }

    /// Of `candidates`, the parent or child of `target`, else another of its tree.
    fn related(&self, target: u64, candidates: &BTreeSet<u64>) -> Option<u64> {
        let volume = self.volumes.get(target)?;
        let direct = |c: &&u64| volume.ancestor == Some(**c) || volume.children.contains(c);
        let kin = |c: &&u64| self.volumes.get(**c).is_some_and(|v| v.tree == volume.tree);
        candidates
            .iter()
            .find(direct)
            .or_else(|| candidates.iter().find(kin))
            .copied()
    }

    fn suffixed(&self, sources: &[u64], suffix: &str) -> Result<Vec<Copy>, Refusal> {
        if sources.is_empty() {
            return Err(Refusal::missing(Kind::Volumes));
        }
        let copy = |source: &u64| {
            let volume = self.volumes.get(*source)?;
            Some(Copy {
                source: *source,
                name: format!("{}.{suffix}", volume.id.name),
            })
        };
        Ok(sources.iter().filter_map(copy).collect())
    }

    /// Makes all copies or none, and the set that holds them.
    fn copy(
        &mut self,
        copies: &[Copy],
        read_only: bool,
        set_name: Option<&str>,
        group: Option<u64>,
    ) -> Result<Vec<Made>, Refusal> {
        let mut names = BTreeSet::new();
        for copy in copies {
            refuse_if_taken(&self.volumes, Kind::Volumes, &copy.name)?;
            if !names.insert(&copy.name) {
                return Err(Refusal::not_unique(Kind::Volumes));
            }
            let children = self
                .volumes
                .get(copy.source)
                .map_or(0, |v| v.children.len());
            if children >= self.limits.snapshots_per_volume {
                return Err(Refusal::new("too_many_snapshots_per_vol"));
            }
        }
        let set_name = match set_name {
            Some(name) => {
                refuse_if_taken(&self.snapshot_sets, Kind::SnapshotSets, name)?;
                name.to_owned()
            }
            None => (epoch_ms()..)
                .map(|ms| format!("SnapshotSet.{ms}"))
                .find(|name| !self.snapshot_sets.has_name(name))
                .unwrap_or_default(),
        };
        self.room_for(copies.len())?;
        let mut made = Vec::new();
        for copy in copies {
            let Some(source) = self.volumes.get(copy.source).cloned() else {
                continue;
            };
            let id = self.volumes.add(&copy.name, |id| Volume {
                lb_size: source.lb_size,
                alignment_offset: source.alignment_offset,
                written_kb: 0,
                content: source.content.clone(),
                is_snapshot: true,
                read_only,
                ancestor: Some(copy.source),
                tree: source.tree.clone(),
                ..Volume::blank(id, source.size_kb)
            });
            if let Some(source) = self.volumes.get_mut(copy.source) {
                source.children.insert(id.index);
            }
            self.copied.push((copy.source, id.index));
            made.push((Kind::Snapshots, id));
        }
        if self.version >= XmsVersion::V40 {
            let members = made.iter().map(|(_, id)| id.index).collect();
            self.add_snapshot_set(&set_name, members, group);
        }
        Ok(made)
    }
}
