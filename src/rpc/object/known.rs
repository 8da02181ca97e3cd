//! Every kind of object that may arrive, by name.

use super::*;

/// Kinds that are only passed on: their version is checked, their fields are not.
static PASSED_ON: [Spec; 14] = [
    passed_on("BackupImport", (1, 7)),
    passed_on("BackupList", (1, 0)),
    passed_on("CGSnapshot", (1, 1)),
    passed_on("CGSnapshotList", (1, 0)),
    passed_on("Cluster", (1, 1)),
    passed_on("ClusterList", (1, 0)),
    passed_on("ConsistencyGroup", (1, 4)),
    passed_on("ConsistencyGroupList", (1, 1)),
    passed_on("GroupList", (1, 0)),
    passed_on("GroupType", (1, 0)),
    passed_on("GroupTypeList", (1, 0)),
    passed_on("ManageableSnapshotList", (1, 0)),
    passed_on("ManageableVolumeList", (1, 0)),
    passed_on("ServiceList", (1, 1)),
];

const fn passed_on(name: &'static str, version: (u32, u32)) -> Spec {
    Spec::new(
        name,
        version,
        |_| schemars::json_schema!({"type": "object"}),
        &[],
    )
}

/// The kind of that name.
pub(super) fn spec(name: &str) -> Option<&'static Spec> {
    Some(match name {
        "Volume" => Volume::spec(),
        "VolumeList" => VolumeList::spec(),
        "Snapshot" => Snapshot::spec(),
        "SnapshotList" => SnapshotList::spec(),
        "VolumeAttachment" => VolumeAttachment::spec(),
        "VolumeAttachmentList" => VolumeAttachmentList::spec(),
        "VolumeType" => VolumeType::spec(),
        "VolumeTypeList" => VolumeTypeList::spec(),
        "QualityOfServiceSpecs" => QualityOfServiceSpecs::spec(),
        "Group" => Group::spec(),
        "GroupSnapshot" => GroupSnapshot::spec(),
        "GroupSnapshotList" => GroupSnapshotList::spec(),
        "RequestSpec" => RequestSpec::spec(),
        "VolumeProperties" => VolumeProperties::spec(),
        "CleanupRequest" => CleanupRequest::spec(),
        "LogLevel" => LogLevel::spec(),
        "LogLevelList" => LogLevelList::spec(),
        "Backup" => Backup::spec(),
        "BackupDeviceInfo" => BackupDeviceInfo::spec(),
        "ManageableVolume" => ManageableVolume::spec(),
        "ManageableSnapshot" => ManageableSnapshot::spec(),
        "Service" => Service::spec(),
        other => return PASSED_ON.iter().find(|spec| spec.name == other),
    })
}

/// A field that holds an object which is only passed on.
pub(super) const fn passed_on_field(name: &'static str, spec: fn() -> &'static Spec) -> Field {
    Field::opt(name, Kind::Object(spec))
}

macro_rules! passed_on_specs {
    ($($function:ident $name:literal,)*) => {
        $(
            #[doc = concat!("The kind `", $name, "`.")]
            pub(super) fn $function() -> &'static Spec {
                spec($name).unwrap_or(&PASSED_ON[0])
            }
        )*
    };
}

passed_on_specs! {
    cgsnapshot "CGSnapshot",
    cluster "Cluster",
    consistency_group "ConsistencyGroup",
}
