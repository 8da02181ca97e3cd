//! XMS versions, API versions, object types, and which has which.

use std::fmt;
use std::str::FromStr;

/// The XMS releases the simulator can play.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum XmsVersion {
    /// 3.0: API v1 only, one cluster, no consistency groups.
    V30,
    /// 4.0: adds API v2 (REST 2.0).
    V40,
    /// 4.2: REST 2.1, comma-separated filter terms.
    V42,
    /// 6.3: adds API v3 and QoS policies (X2 hardware).
    V63,
}

/// A version string that names no release the simulator can play.
#[derive(Debug, thiserror::Error)]
#[error("unknown XMS version {0:?}: allowed are 3.0, 4.0, 4.2 and 6.3")]
pub struct UnknownVersion(String);

impl FromStr for XmsVersion {
    type Err = UnknownVersion;

    fn from_str(text: &str) -> Result<Self, UnknownVersion> {
        match text {
            "3.0" => Ok(Self::V30),
            "4.0" => Ok(Self::V40),
            "4.2" => Ok(Self::V42),
            "6.3" => Ok(Self::V63),
            other => Err(UnknownVersion(other.to_owned())),
        }
    }
}

impl fmt::Display for XmsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V30 => "3.0",
            Self::V40 => "4.0",
            Self::V42 => "4.2",
            Self::V63 => "6.3",
        })
    }
}

impl XmsVersion {
    /// The full software version, in the style arrays report it.
    pub(crate) fn software(self) -> &'static str {
        match self {
            Self::V30 => "3.0.3-11",
            Self::V40 => "4.0.10-34.hotfix1",
            Self::V42 => "4.2.0-33",
            Self::V63 => "6.3.2-8_X2",
        }
    }

    /// `restapi-protocol-version` of the `xms` object.
    pub(crate) fn rest(self) -> &'static str {
        match self {
            Self::V30 => "1.0",
            Self::V40 => "2.0",
            Self::V42 => "2.1",
            Self::V63 => "3.2",
        }
    }

    pub(crate) fn serves(self, api: Api) -> bool {
        match api {
            Api::V1 => true,
            Api::V2 => self >= Self::V40,
            Api::V3 => self >= Self::V63,
        }
    }

    /// Whether commas inside one `filter=` separate terms of which any may hold.
    pub(crate) fn filter_or(self) -> bool {
        self >= Self::V42
    }
}

/// The API versions, by base path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Api {
    V1,
    V2,
    V3,
}

impl Api {
    /// Path of the list of types.
    pub(crate) fn base(self) -> &'static str {
        match self {
            Self::V1 => "/api/json/types",
            Self::V2 => "/api/json/v2/types",
            Self::V3 => "/api/json/v3/types",
        }
    }
}

/// Object types the simulator serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Clusters,
    ConsistencyGroups,
    ConsistencyGroupVolumes,
    InitiatorGroups,
    Initiators,
    IscsiPortals,
    LunMaps,
    QosPolicies,
    SnapshotSets,
    Snapshots,
    Tags,
    TargetGroups,
    Targets,
    Volumes,
    Xms,
}

impl Kind {
    pub(crate) const ALL: [Self; 15] = [
        Self::Clusters,
        Self::ConsistencyGroups,
        Self::ConsistencyGroupVolumes,
        Self::InitiatorGroups,
        Self::Initiators,
        Self::IscsiPortals,
        Self::LunMaps,
        Self::QosPolicies,
        Self::SnapshotSets,
        Self::Snapshots,
        Self::Tags,
        Self::TargetGroups,
        Self::Targets,
        Self::Volumes,
        Self::Xms,
    ];

    /// The name in URLs.
    pub(crate) fn wire(self) -> &'static str {
        match self {
            Self::Clusters => "clusters",
            Self::ConsistencyGroups => "consistency-groups",
            Self::ConsistencyGroupVolumes => "consistency-group-volumes",
            Self::InitiatorGroups => "initiator-groups",
            Self::Initiators => "initiators",
            Self::IscsiPortals => "iscsi-portals",
            Self::LunMaps => "lun-maps",
            Self::QosPolicies => "qos-policies",
            Self::SnapshotSets => "snapshot-sets",
            Self::Snapshots => "snapshots",
            Self::Tags => "tags",
            Self::TargetGroups => "target-groups",
            Self::Targets => "targets",
            Self::Volumes => "volumes",
            Self::Xms => "xms",
        }
    }

    /// The key under which a list reply carries its objects.
    pub(crate) fn list_key(self) -> &'static str {
        match self {
            Self::ConsistencyGroupVolumes => Self::ConsistencyGroups.wire(),
            other => other.wire(),
        }
    }

    /// The property holding the object's `[guid, name, index]`.
    pub(crate) fn oid(self) -> &'static str {
        match self {
            Self::Clusters => "sys-id",
            Self::ConsistencyGroups | Self::ConsistencyGroupVolumes => "cg-id",
            Self::InitiatorGroups => "ig-id",
            Self::Initiators => "initiator-id",
            Self::IscsiPortals => "portal-id",
            Self::LunMaps => "mapping-id",
            Self::QosPolicies => "qos-policy-id",
            Self::SnapshotSets => "snapset-id",
            Self::Snapshots | Self::Volumes => "vol-id",
            Self::Tags => "tag-id",
            Self::TargetGroups => "tg-id",
            Self::Targets => "tar-id",
            Self::Xms => "xms-id",
        }
    }

    /// How error tokens begin for this type (`vol_obj_not_found`).
    pub(crate) fn token(self) -> &'static str {
        match self {
            Self::Clusters => "sys",
            Self::ConsistencyGroups | Self::ConsistencyGroupVolumes => "cg",
            Self::InitiatorGroups => "ig",
            Self::Initiators => "initiator",
            Self::IscsiPortals => "portal",
            Self::LunMaps => "mapping",
            Self::QosPolicies => "qos_policy",
            Self::SnapshotSets => "snapset",
            Self::Snapshots | Self::Volumes => "vol",
            Self::Tags => "tag",
            Self::TargetGroups => "tg",
            Self::Targets => "tar",
            Self::Xms => "xms",
        }
    }

    /// Whether the type belongs to the XMS rather than to one of its clusters.
    pub(crate) fn xms_wide(self) -> bool {
        matches!(self, Self::Clusters | Self::Tags | Self::Xms)
    }

    /// Whether an XMS of `version` knows this type.
    pub(crate) fn exists(self, version: XmsVersion) -> bool {
        match self {
            Self::ConsistencyGroups
            | Self::ConsistencyGroupVolumes
            | Self::SnapshotSets
            | Self::Tags
            | Self::Xms => version >= XmsVersion::V40,
            Self::QosPolicies => version >= XmsVersion::V63,
            _ => true,
        }
    }

    pub(crate) fn parse(name: &str, version: XmsVersion) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.wire() == name && kind.exists(version))
    }
}
