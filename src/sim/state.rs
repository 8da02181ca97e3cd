//! Everything one XMS manages.

use chrono::Utc;
use serde_json::{Map, Value, json};

use super::body::Ref;
use super::objects::groups::ConsistencyGroup;
use super::objects::initiators::{Initiator, InitiatorGroup};
use super::objects::lun_maps::LunMap;
use super::objects::ports::{Portal, Target, TargetGroup};
use super::objects::qos::QosPolicy;
use super::objects::snapshot_sets::SnapshotSet;
use super::objects::tags::Tag;
use super::objects::volumes::Volume;
use super::options::{ChapMode, Limits, SimOptions};
use super::store::{Id, Store};
use super::version::{Kind, XmsVersion};

/// One XMS.
#[derive(Debug)]
pub(crate) struct Xms {
    pub(crate) id: Id,
    pub(crate) version: XmsVersion,
    pub(crate) clusters: Vec<Cluster>,
    pub(crate) tags: Store<Tag>,
}

/// One cluster and its objects.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) id: Id,
    pub(crate) version: XmsVersion,
    pub(crate) xms: Id,
    pub(crate) capacity_kb: u64,
    pub(crate) chap_login: ChapMode,
    pub(crate) chap_discovery: ChapMode,
    pub(crate) limits: Limits,
    pub(crate) volumes: Store<Volume>,
    pub(crate) snapshot_sets: Store<SnapshotSet>,
    pub(crate) groups: Store<ConsistencyGroup>,
    pub(crate) initiator_groups: Store<InitiatorGroup>,
    pub(crate) initiators: Store<Initiator>,
    pub(crate) lun_maps: Store<LunMap>,
    pub(crate) portals: Store<Portal>,
    pub(crate) targets: Store<Target>,
    pub(crate) target_groups: Store<TargetGroup>,
    pub(crate) qos_policies: Store<QosPolicy>,
    /// Volumes whose data went to others, and those, since this was last looked at.
    pub(crate) copied: Vec<(u64, u64)>,
}

impl Xms {
    pub(crate) fn new(options: &SimOptions) -> Self {
        let id = Id::new("xms", 1);
        let clusters = options
            .clusters
            .iter()
            .zip(1..)
            .map(|(name, index)| Cluster::new(Id::new(name, index), &id, options))
            .collect();
        Self {
            id,
            version: options.xms_version,
            clusters,
            tags: Store::default(),
        }
    }

    /// The position of the cluster a reference means.
    pub(crate) fn find_cluster(&self, reference: &Ref) -> Option<usize> {
        self.clusters.iter().position(|cluster| match reference {
            Ref::Name(name) => cluster.id.name == *name,
            Ref::Index(index) => cluster.id.index == *index,
            Ref::Guid(guid) => cluster.id.guid == *guid,
        })
    }

    /// Sets the CHAP modes of all clusters, as an administrator does with the array's CLI.
    pub(crate) fn set_chap(&mut self, login: ChapMode, discovery: ChapMode) {
        for cluster in &mut self.clusters {
            cluster.chap_login = login;
            cluster.chap_discovery = discovery;
        }
    }

    /// Removes what clients made: volumes, groups, mappings, tags.
    pub(crate) fn reset(&mut self) {
        self.tags.clear();
        for cluster in &mut self.clusters {
            cluster.volumes.clear();
            cluster.snapshot_sets.clear();
            cluster.groups.clear();
            cluster.initiator_groups.clear();
            cluster.initiators.clear();
            cluster.lun_maps.clear();
            cluster.qos_policies.clear();
            cluster.copied.clear();
        }
    }

    /// All objects that clients made, by cluster.
    pub(crate) fn state(&self) -> Value {
        const MADE: [Kind; 7] = [
            Kind::Volumes,
            Kind::SnapshotSets,
            Kind::ConsistencyGroups,
            Kind::InitiatorGroups,
            Kind::Initiators,
            Kind::LunMaps,
            Kind::QosPolicies,
        ];
        let clusters: Vec<Value> = self
            .clusters
            .iter()
            .map(|cluster| {
                let mut objects = Map::new();
                objects.insert("name".into(), json!(cluster.id.name));
                for kind in MADE {
                    objects.insert(kind.wire().into(), cluster.render_all(kind).collect());
                }
                Value::Object(objects)
            })
            .collect();
        let tags: Vec<Value> = self.tags.iter().map(|tag| json!(tag.id.name)).collect();
        json!({"version": self.version.to_string(), "clusters": clusters, "tags": tags})
    }
}

impl Cluster {
    fn new(id: Id, xms: &Id, options: &SimOptions) -> Self {
        let mut cluster = Self {
            id,
            version: options.xms_version,
            xms: xms.clone(),
            capacity_kb: options.capacity_gib << 20,
            chap_login: options.chap_login,
            chap_discovery: options.chap_discovery,
            limits: options.limits,
            volumes: Store::default(),
            snapshot_sets: Store::default(),
            groups: Store::default(),
            initiator_groups: Store::default(),
            initiators: Store::default(),
            lun_maps: Store::default(),
            portals: Store::default(),
            targets: Store::default(),
            target_groups: Store::default(),
            qos_policies: Store::default(),
            copied: Vec::new(),
        };
        cluster.add_ports(options);
        cluster
    }

    /// What every object of this cluster shows.
    pub(crate) fn common(&self, kind: Kind, id: &Id) -> Map<String, Value> {
        let mut object = Map::new();
        let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
        put("name", json!(id.name));
        put("index", json!(id.index));
        put(kind.oid(), id.oid());
        put("sys-id", self.id.oid());
        put("obj-severity", json!("information"));
        if self.version >= XmsVersion::V40 {
            put("guid", json!(id.guid));
            put("xms-id", self.xms.oid());
            put("tag-list", json!([]));
            put("certainty", json!("ok"));
        }
        if self.version >= XmsVersion::V63 {
            put("sys-name", json!(self.id.name));
            put("sys-index", json!(self.id.index));
        }
        object
    }

    /// As [`Self::common`], with more properties.
    pub(crate) fn object(&self, kind: Kind, id: &Id, more: Value) -> Map<String, Value> {
        let mut object = self.common(kind, id);
        if let Value::Object(more) = more {
            object.extend(more);
        }
        object
    }
}

/// `creation-time` as arrays write it.
pub(crate) fn now() -> String {
    Utc::now().format("%Y-%m-%d %H:%M:%S").to_string()
}

/// Milliseconds since 1970, which arrays put into default names.
pub(crate) fn epoch_ms() -> i64 {
    Utc::now().timestamp_millis()
}
