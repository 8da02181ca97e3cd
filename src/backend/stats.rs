//! Capacity and capability figures of a backend.

use serde_json::{Map, Value, json};

use super::{fc, iscsi};
use crate::config::{BackendOptions, OverSubscription, Protocol};
use crate::xms::{Cluster, Dialect};

/// `driver_version` in capability reports: the Python driver's whose place this one takes.
const DRIVER_VERSION: &str = "1.0.13";

/// `vendor_name` in capability reports.
const VENDOR_NAME: &str = "Dell EMC";

/// What the array reports; units are GiB.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    /// Usable physical capacity, GiB.
    pub total_capacity_gb: f64,
    /// Physical capacity not in use, GiB.
    pub free_capacity_gb: f64,
    /// Sum of the sizes of all volumes on the array, GiB.
    pub provisioned_capacity_gb: f64,
    /// Consistency groups exist (XMS 4 and later).
    pub consistency_groups: bool,
    /// `sys-sw-version` of the cluster.
    pub array_version: String,
}

impl Stats {
    /// Figures as the Python driver computes them: total is `ud-ssd-space`, free is that less
    /// `ud-ssd-space-in-use`, provisioned is `vol-size`. Capacities are physical, before
    /// deduplication and compression: `max_over_subscription_ratio` accounts for those. Free
    /// never falls below 0, even if the array counts more in use than it has.
    pub(super) fn of(cluster: &Cluster, dialect: Dialect) -> Self {
        let total = cluster.ud_ssd_space.as_gib();
        Self {
            total_capacity_gb: total,
            free_capacity_gb: (total - cluster.ud_ssd_space_in_use.as_gib()).max(0.0),
            provisioned_capacity_gb: cluster.vol_size.as_gib(),
            consistency_groups: dialect.has_consistency_groups(),
            array_version: cluster.sys_sw_version.clone(),
        }
    }

    /// The capability report for the scheduler. `allocated_gb` is the sum of the sizes of
    /// Cinder's volumes on this backend, GiB.
    ///
    /// The Python driver reports without `pools`, which makes the scheduler form one pool named
    /// after `volume_backend_name`. The report here names that same pool itself, with all keys
    /// in it: volumes keep their `host@backend#pool`, and the scheduler emits capacity
    /// notifications, which it never does for a report without pools.
    pub fn capabilities(&self, options: &BackendOptions, allocated_gb: u64) -> Map<String, Value> {
        let mut backend = object(json!({
            "volume_backend_name": backend_name(options),
            "vendor_name": VENDOR_NAME,
            "driver_version": DRIVER_VERSION,
            "storage_protocol": storage_protocol(options.protocol),
        }));
        let mut pool = backend.clone();
        pool.extend(object(json!({
            "total_capacity_gb": self.total_capacity_gb,
            "free_capacity_gb": self.free_capacity_gb,
            "provisioned_capacity_gb": self.provisioned_capacity_gb,
            "max_over_subscription_ratio": match options.max_over_subscription_ratio {
                OverSubscription::Auto => json!("auto"),
                OverSubscription::Ratio(ratio) => json!(ratio),
            },
            "thin_provisioning_support": true,
            "thick_provisioning_support": false,
            "reserved_percentage": options.reserved_percentage,
            "QoS_support": false,
            "multiattach": true,
        })));
        if self.consistency_groups {
            pool.insert("consistencygroup_support".to_owned(), true.into());
        }
        pool.extend(options.extra_capabilities.clone());
        // No option changes what the manager counts, nor the name that ties volumes to the pool.
        pool.insert("pool_name".to_owned(), pool_name(options).into());
        pool.insert("allocated_capacity_gb".to_owned(), allocated_gb.into());
        let cacheable = pool.entry("cacheable").or_insert(Value::Null);
        if cacheable.is_null() {
            *cacheable = true.into();
        }
        backend.insert("pools".to_owned(), Value::Array(vec![Value::Object(pool)]));
        backend.insert("filter_function".to_owned(), json!(options.filter_function));
        backend.insert(
            "goodness_function".to_owned(),
            json!(options.goodness_function),
        );
        backend
    }
}

/// `volume_backend_name`, else the driver's name.
pub fn backend_name(options: &BackendOptions) -> &str {
    options
        .volume_backend_name
        .as_deref()
        .unwrap_or(match options.protocol {
            Protocol::Iscsi => iscsi::DEFAULT_BACKEND_NAME,
            Protocol::FibreChannel => fc::DEFAULT_BACKEND_NAME,
        })
}

/// The part after `#` in the host of this backend's volumes. The scheduler names the pool of a
/// report without pools after its `volume_backend_name`, which `extra_capabilities` may replace.
pub fn pool_name(options: &BackendOptions) -> &str {
    match options.extra_capabilities.get("volume_backend_name") {
        Some(Value::String(name)) => name,
        _ => backend_name(options),
    }
}

fn storage_protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Iscsi => iscsi::STORAGE_PROTOCOL,
        Protocol::FibreChannel => fc::STORAGE_PROTOCOL,
    }
}

/// The fields of a literal object.
fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
