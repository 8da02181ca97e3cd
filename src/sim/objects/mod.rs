//! What can be done to each object type.

pub(crate) mod clusters;
pub(crate) mod groups;
pub(crate) mod initiators;
pub(crate) mod lun_maps;
pub(crate) mod ports;
pub(crate) mod qos;
pub(crate) mod snapshot_sets;
pub(crate) mod snapshots;
pub(crate) mod tags;
pub(crate) mod volumes;

use serde_json::{Map, Value};

use super::body::Ref;
use super::refusal::Refusal;
use super::state::Cluster;
use super::store::{Id, Object, Store};
use super::version::{Api, Kind};

/// An object that a POST made, under the type its link names.
pub(crate) type Made = (Kind, Id);

pub(crate) fn refuse_if_taken<T: Object>(
    store: &Store<T>,
    kind: Kind,
    name: &str,
) -> Result<(), Refusal> {
    if store.has_name(name) {
        return Err(Refusal::not_unique(kind));
    }
    Ok(())
}

impl Cluster {
    /// The index of the object of a type that a reference means.
    pub(crate) fn find(&self, kind: Kind, reference: &Ref) -> Option<u64> {
        match kind {
            Kind::Volumes => self.volumes.find(reference),
            Kind::Snapshots => self
                .volumes
                .find(reference)
                .filter(|index| self.volumes.get(*index).is_some_and(|v| v.is_snapshot)),
            Kind::SnapshotSets => self.snapshot_sets.find(reference),
            Kind::ConsistencyGroups | Kind::ConsistencyGroupVolumes => self.groups.find(reference),
            Kind::InitiatorGroups => self.initiator_groups.find(reference),
            Kind::Initiators => self.initiators.find(reference),
            Kind::LunMaps => self.lun_maps.find(reference),
            Kind::IscsiPortals => self.portals.find(reference),
            Kind::Targets => self.targets.find(reference),
            Kind::TargetGroups => self.target_groups.find(reference),
            Kind::QosPolicies => self.qos_policies.find(reference),
            Kind::Clusters | Kind::Tags | Kind::Xms => None,
        }
    }

    /// What identifies each object of a type, in index order.
    pub(crate) fn ids(&self, kind: Kind) -> Vec<Id> {
        fn all<T: Object>(store: &Store<T>) -> Vec<Id> {
            store.iter().map(|item| item.id().clone()).collect()
        }
        match kind {
            Kind::Volumes => all(&self.volumes),
            Kind::Snapshots => {
                let snapshots = self.volumes.iter().filter(|v| v.is_snapshot);
                snapshots.map(|v| v.id.clone()).collect()
            }
            Kind::SnapshotSets => all(&self.snapshot_sets),
            Kind::ConsistencyGroups | Kind::ConsistencyGroupVolumes => all(&self.groups),
            Kind::InitiatorGroups => all(&self.initiator_groups),
            Kind::Initiators => all(&self.initiators),
            Kind::LunMaps => all(&self.lun_maps),
            Kind::IscsiPortals => all(&self.portals),
            Kind::Targets => all(&self.targets),
            Kind::TargetGroups => all(&self.target_groups),
            Kind::QosPolicies => all(&self.qos_policies),
            Kind::Clusters | Kind::Tags | Kind::Xms => Vec::new(),
        }
    }

    /// The whole object of a type with an index.
    pub(crate) fn render(&self, kind: Kind, index: u64) -> Option<Map<String, Value>> {
        Some(match kind {
            Kind::Volumes | Kind::Snapshots => self.render_volume(self.volumes.get(index)?),
            Kind::SnapshotSets => self.render_snapshot_set(self.snapshot_sets.get(index)?),
            Kind::ConsistencyGroups | Kind::ConsistencyGroupVolumes => {
                self.render_group(self.groups.get(index)?)
            }
            Kind::InitiatorGroups => self.render_initiator_group(self.initiator_groups.get(index)?),
            Kind::Initiators => self.render_initiator(self.initiators.get(index)?),
            Kind::LunMaps => self.render_lun_map(self.lun_maps.get(index)?),
            Kind::IscsiPortals => self.render_portal(self.portals.get(index)?),
            Kind::Targets => self.render_target(self.targets.get(index)?),
            Kind::TargetGroups => self.render_target_group(self.target_groups.get(index)?),
            Kind::QosPolicies => self.render_qos_policy(self.qos_policies.get(index)?),
            Kind::Clusters | Kind::Tags | Kind::Xms => return None,
        })
    }

    /// All objects of a type.
    pub(crate) fn render_all(&self, kind: Kind) -> impl Iterator<Item = Map<String, Value>> {
        self.ids(kind)
            .into_iter()
            .filter_map(move |id| self.render(kind, id.index))
    }

    pub(crate) fn create(
        &mut self,
        kind: Kind,
        api: Api,
        body: &Map<String, Value>,
    ) -> Result<Vec<Made>, Refusal> {
        match kind {
            Kind::Volumes => volumes::create(self, api, body),
            Kind::Snapshots => snapshots::create(self, api, body),
            Kind::ConsistencyGroups => groups::create(self, body),
            Kind::ConsistencyGroupVolumes => groups::add_member(self, body),
            Kind::InitiatorGroups => initiators::create_group(self, api, body),
            Kind::Initiators => initiators::create(self, api, body),
            Kind::LunMaps => lun_maps::create(self, body),
            Kind::QosPolicies => qos::create(self, body),
            _ => Err(Refusal::method_not_allowed()),
        }
    }

    pub(crate) fn update(
        &mut self,
        kind: Kind,
        api: Api,
        index: u64,
        body: &Map<String, Value>,
    ) -> Result<(), Refusal> {
        match kind {
            Kind::Volumes | Kind::Snapshots => volumes::update(self, index, body),
            Kind::SnapshotSets => snapshot_sets::update(self, index, body),
            Kind::ConsistencyGroups => groups::update(self, index, body),
            Kind::InitiatorGroups => initiators::update_group(self, index, body),
            Kind::Initiators => initiators::update(self, api, index, body),
            Kind::QosPolicies => qos::update(self, index, body),
            _ => Err(Refusal::method_not_allowed()),
        }
    }

    pub(crate) fn remove(
        &mut self,
        kind: Kind,
        index: u64,
        body: &Map<String, Value>,
    ) -> Result<(), Refusal> {
        if kind == Kind::ConsistencyGroupVolumes {
            return groups::remove_member(self, body);
        }
        super::body::Body::check(body, &[self.scope_keys()])?;
        match kind {
            Kind::Volumes | Kind::Snapshots => self.remove_volume(index),
            Kind::SnapshotSets => self.remove_snapshot_set(index),
            Kind::ConsistencyGroups => self.remove_group(index),
            Kind::InitiatorGroups => self.remove_initiator_group(index),
            Kind::QosPolicies => self.remove_qos_policy(index),
            Kind::Initiators => {
                let removed = self.initiators.remove(index);
                removed.map(|_| ()).ok_or_else(Refusal::not_found)
            }
            Kind::LunMaps => {
                let removed = self.remove_lun_map(index);
                removed.then_some(()).ok_or_else(Refusal::not_found)
            }
            _ => Err(Refusal::method_not_allowed()),
        }
    }
}
