//! `get_backup_device`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Method, Param, Resource};
use crate::rpc::object::{Backup, BackupDeviceInfo};
use crate::rpc::version::Version;

/// Makes ready what a backup reads from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetBackupDevice {
    /// The backup.
    pub backup: Backup,
    /// Whether to answer with an object.
    #[serde(default)]
    pub want_objects: bool,
    /// Whether to answer by a cast to cinder-backup.
    #[serde(default)]
    pub async_call: bool,
}

impl Method for GetBackupDevice {
    const NAME: &'static str = "get_backup_device";
    const SINCE: Version = Version::new(1, 38);
    const SENT: Version = Version::new(3, 17);
    const KIND: Kind = Kind::Either;
    const PARAMS: &'static [Param] = &[
        Param::required("backup"),
        Param::optional("want_objects"),
        Param::optional("async_call"),
    ];
    /// The device; null if it goes by cast.
    type Reply = Option<BackupDeviceInfo>;

    fn resources(&self) -> Vec<Resource<'_>> {
        vec![Resource::Backup(self.backup.id())]
    }
}
