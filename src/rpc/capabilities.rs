//! What a backend can do, as the scheduler and the API are told: the flat form, without pools.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::opaque::Opaque;
use super::scheduler::object;

/// Figures and abilities of a backend that the driver knows. Capacities are in GiB.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stats {
    /// `volume_backend_name` of the backend's section.
    pub volume_backend_name: String,
    /// Vendor.
    pub vendor_name: String,
    /// Version of the driver.
    pub driver_version: String,
    /// `iSCSI` or `FC`.
    pub storage_protocol: String,
    /// Usable physical capacity.
    pub total_capacity_gb: f64,
    /// Physical capacity not in use.
    pub free_capacity_gb: f64,
    /// Sum of the sizes of all volumes of the array.
    pub provisioned_capacity_gb: f64,
    /// A number, or `auto`.
    pub max_over_subscription_ratio: Value,
    /// Volumes take space as they are written.
    pub thin_provisioning_support: bool,
    /// Volumes take all their space at once.
    pub thick_provisioning_support: bool,
    /// Percentage of the total that is never handed out.
    pub reserved_percentage: i64,
    /// Back-end QoS specs work.
    #[serde(rename = "QoS_support")]
    pub qos_support: bool,
    /// Volumes may be attached several times.
    pub multiattach: bool,
    /// Consistency groups work (XMS 4 and later); left out where they do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistencygroup_support: Option<bool>,
}

/// What the manager adds to a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Additions {
    /// Sum of the sizes of the volumes placed here, GiB.
    pub allocated_capacity_gb: i64,
    /// Hypervisors may cache; true for iSCSI and FC.
    pub cacheable: bool,
    /// `filter_function` of the backend's section.
    pub filter_function: Option<String>,
    /// `goodness_function` of the backend's section.
    pub goodness_function: Option<String>,
}

/// The `capabilities` of a report; `extra` is the option `extra_capabilities`, whose entries
/// win over the driver's.
pub fn report(stats: &Stats, additions: &Additions, extra: &Map<String, Value>) -> Opaque {
    let mut all = object(stats);
    all.extend(extra.clone());
    all.extend(object(additions));
    all.into()
}

/// The reply to `get_capabilities`: the driver's figures and what volume types may ask for.
pub fn reply(stats: &Stats, extra: &Map<String, Value>) -> Opaque {
    let property = |title: &str, description: &str| json!({"title": title, "description": description, "type": "boolean"});
    let mut all = object(stats);
    all.extend(extra.clone());
    all.insert(
        "properties".to_owned(),
        json!({
            "thin_provisioning": property("Thin Provisioning", "Sets thin provisioning."),
            "compression": property("Compression", "Enables compression."),
            "qos": property("QoS", "Enables QoS."),
            "replication_enabled": property("Replication", "Enables replication."),
        }),
    );
    all.into()
}
