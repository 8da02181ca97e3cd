//! What the manager asks of an array, in plain types. Knows the XMS, not the database or the bus.

mod attach;
mod cache;
mod chap;
mod connection;
mod copies;
mod copy;
mod error;
mod fc;
mod hosts;
mod iscsi;
mod luns;
mod mapping;
pub mod naming;
mod stats;
mod xtremio;

pub use attach::AttachOptions;
pub use connection::{Connection, Connector};
pub use error::BackendError;
pub use stats::{Stats, backend_name, pool_name};
pub use xtremio::XtremIo;

use std::sync::Arc;

use async_trait::async_trait;

use crate::config::BackendOptions;

/// A volume to be created. Names are the array's: the Cinder id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVolume {
    /// Name on the array: `_name_id` if set, else the volume's id.
    pub name: String,
    /// Size in GiB.
    pub size_gib: u64,
    /// Consistency group (the Cinder group id) the volume shall join.
    pub group: Option<String>,
    /// Size in GiB of what it is copied from, where that is known: spares a read when it is.
    pub source_size_gib: Option<u64>,
}

/// Columns of the volume row that a backend wants set; `None` leaves a column alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelUpdate {
    /// `provider_location`
    pub provider_location: Option<String>,
    /// `provider_id`
    pub provider_id: Option<String>,
}

/// One array behind one backend section.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// Checks credentials, cluster and version: `do_setup` and `check_for_setup_error`.
    async fn setup(&self) -> Result<(), BackendError>;

    /// Capacity and capabilities as the array has them now.
    async fn stats(&self) -> Result<Stats, BackendError>;

    /// Creates the volume; one that is there already with name and size right counts as done.
    async fn create_volume(&self, volume: &NewVolume) -> Result<ModelUpdate, BackendError>;

    /// Deletes the volume named so; a missing one counts as done. Refuses a mapped one
    /// (`BackendError::VolumeIsBusy`).
    async fn delete_volume(&self, name: &str) -> Result<(), BackendError>;

    /// Gives the volume up without deleting it (`unmanage`).
    async fn unmanage_volume(&self, name: &str) -> Result<(), BackendError>;

    /// Grows the volume to `size_gib` GiB; one that is as large or larger already counts as done.
    async fn extend_volume(&self, name: &str, size_gib: u64) -> Result<(), BackendError>;

    /// Size of the volume on the array in whole GiB (rounded up); `None` if there is none.
    async fn volume_size(&self, name: &str) -> Result<Option<u64>, BackendError>;

    /// Makes the snapshot `name` of the volume `volume`, read-only where the array knows that;
    /// one that is there already with the right ancestor counts as done.
    async fn create_snapshot(&self, name: &str, volume: &str) -> Result<(), BackendError>;

    /// Deletes the snapshot named so, and what an interrupted [`Backend::create_snapshot`] left
    /// under its interim name; a missing one counts as done. Refuses a mapped one
    /// (`BackendError::VolumeIsBusy`). `volume` is the array name of the volume it is of: part of
    /// the interim name.
    async fn delete_snapshot(&self, name: &str, volume: &str) -> Result<(), BackendError>;

    /// Gives the snapshot up without deleting it (`unmanage_snapshot`).
    async fn unmanage_snapshot(&self, name: &str) -> Result<(), BackendError>;

    /// Makes a writable volume from `source`, a snapshot or a volume, grows it to its size if the
    /// source is smaller, and lets it join its group. One that is there already with the right
    /// ancestor is gone on with. On failure nothing of it stays.
    async fn create_volume_from(
        &self,
        volume: &NewVolume,
        source: &str,
    ) -> Result<ModelUpdate, BackendError>;

    /// What the connector must have (`BackendError::InvalidConnector`); sends nothing.
    fn check_connector(&self, connector: &Connector) -> Result<(), BackendError>;

    /// Maps the volume to the host's initiators, which are made known to the array first if it
    /// does not know them. One that is mapped already keeps its LUN.
    async fn initialize_connection(
        &self,
        volume: &str,
        connector: &Connector,
    ) -> Result<Connection, BackendError>;

    /// Whether any of the host's initiators sees the volume; changes nothing. A volume that is
    /// gone is seen by none.
    async fn is_connected(&self, volume: &str, connector: &Connector)
    -> Result<bool, BackendError>;

    /// Takes the volume away from the host's initiators, from all hosts without a connector. What
    /// is not mapped, and a volume that is gone, count as done.
    async fn terminate_connection(
        &self,
        volume: &str,
        connector: Option<&Connector>,
    ) -> Result<(), BackendError>;
}

/// The array of a backend section; nothing is sent before the first use.
/// `volume_name_template` and `snapshot_name_template` are the `[DEFAULT]` options.
///
/// # Errors
/// [`BackendError::Config`] when the options cannot be used.
pub fn connect(
    options: &BackendOptions,
    volume_name_template: &str,
    snapshot_name_template: &str,
) -> Result<Arc<dyn Backend>, BackendError> {
    let array = XtremIo::new(options, volume_name_template)?;
    Ok(Arc::new(array.naming_snapshots(snapshot_name_template)))
}
