//! Mapping volumes to hosts: what iSCSI and FC backends have in common.

use super::{BackendError, Connection, Connector, XtremIo};

const PENDING: &str = "not built on this branch yet:";

fn pending<T>(name: &str) -> Result<T, BackendError> {
    Err(BackendError::Array {
        reason: format!("{PENDING} {name}"),
        source: None,
    })
}

impl XtremIo {
    pub(super) fn check(&self, _connector: &Connector) -> Result<(), BackendError> {
        Ok(())
    }

    pub(super) async fn map(
        &self,
        volume: &str,
        _connector: &Connector,
    ) -> Result<Connection, BackendError> {
        pending(volume)
    }

    pub(super) async fn unmap(
        &self,
        volume: &str,
        _connector: &Connector,
    ) -> Result<(), BackendError> {
        pending(volume)
    }

    pub(super) async fn unmap_all(&self, volume: &str) -> Result<(), BackendError> {
        pending(volume)
    }
}
