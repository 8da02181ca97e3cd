//! Snapshots, clones and growth: what iSCSI and FC backends have in common.

use super::{BackendError, ModelUpdate, NewVolume, XtremIo};

const PENDING: &str = "not built on this branch yet:";

fn pending<T>(name: &str) -> Result<T, BackendError> {
    Err(BackendError::Array {
        reason: format!("{PENDING} {name}"),
        source: None,
    })
}

impl XtremIo {
    pub(super) async fn extend(&self, name: &str, _size_gib: u64) -> Result<(), BackendError> {
        pending(name)
    }

    pub(super) async fn size(&self, name: &str) -> Result<Option<u64>, BackendError> {
        pending(name)
    }

    pub(super) async fn snapshot(&self, name: &str, _volume: &str) -> Result<(), BackendError> {
        pending(name)
    }

    pub(super) async fn remove_snapshot(
        &self,
        name: &str,
        _volume: &str,
    ) -> Result<(), BackendError> {
        pending(name)
    }

    pub(super) async fn give_up_snapshot(&self, name: &str) -> Result<(), BackendError> {
        pending(name)
    }

    pub(super) async fn copy(
        &self,
        volume: &NewVolume,
        _source: &str,
    ) -> Result<ModelUpdate, BackendError> {
        pending(&volume.name)
    }
}
