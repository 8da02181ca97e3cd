//! Capacity and capability figures of a backend.

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
