//! User messages: what `openstack volume message list` shows to the owner of a resource.

/// What a message is about: `messages.resource_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// `VOLUME`
    Volume,
    /// `VOLUME_SNAPSHOT`
    Snapshot,
}

impl Subject {
    /// As in the row.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Volume => "VOLUME",
            Self::Snapshot => "VOLUME_SNAPSHOT",
        }
    }
}

/// What was being done: `messages.action_id`. Ids and texts are Cinder's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it; the texts live in cinder-api
pub enum Action {
    AttachVolume,
    CopyVolumeToImage,
    UpdateAttachment,
    CopyImageToVolume,
    ExtendVolume,
    CreateVolumeFromBackend,
    SnapshotCreate,
    SnapshotDelete,
    ReimageVolume,
}

impl Action {
    /// Three digits, as in the row.
    pub fn id(self) -> &'static str {
        match self {
            Self::AttachVolume => "002",
            Self::CopyVolumeToImage => "003",
            Self::UpdateAttachment => "004",
            Self::CopyImageToVolume => "005",
            Self::ExtendVolume => "007",
            Self::CreateVolumeFromBackend => "008",
            Self::SnapshotCreate => "009",
            Self::SnapshotDelete => "010",
            Self::ReimageVolume => "016",
        }
    }
}

/// What went wrong: `messages.detail_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // as `Action`
pub enum Detail {
    Unknown,
    DriverNotInitialized,
    FailedToUploadVolume,
    DriverFailedExtend,
    DriverFailedCreate,
    SnapshotCreateError,
    SnapshotIsBusy,
    SnapshotDeleteError,
    NotifyComputeServiceFailed,
    SnapshotUpdateMetadataFailed,
    NotEnoughSpaceForImage,
    SignatureVerificationFailed,
    ImageFormatUnacceptable,
}

impl Detail {
    /// Three digits, as in the row.
    pub fn id(self) -> &'static str {
        match self {
            Self::Unknown => "001",
            Self::DriverNotInitialized => "002",
            Self::FailedToUploadVolume => "004",
            Self::DriverFailedExtend => "010",
            Self::DriverFailedCreate => "012",
            Self::SnapshotCreateError => "013",
            Self::SnapshotIsBusy => "015",
            Self::SnapshotDeleteError => "016",
            Self::NotifyComputeServiceFailed => "009",
            Self::SnapshotUpdateMetadataFailed => "014",
            Self::NotEnoughSpaceForImage => "007",
            Self::SignatureVerificationFailed => "011",
            Self::ImageFormatUnacceptable => "029",
        }
    }
}
