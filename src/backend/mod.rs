//! What the manager asks of an array, in plain types. Knows the XMS, not the database or the bus.

mod error;
mod fc;
mod iscsi;
pub mod naming;
mod stats;
mod xtremio;

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
}

/// The array of a backend section; nothing is sent before the first use.
/// `volume_name_template` is the `[DEFAULT]` option.
///
/// # Errors
/// [`BackendError::Config`] when the options cannot be used.
pub fn connect(
    options: &BackendOptions,
    volume_name_template: &str,
) -> Result<Arc<dyn Backend>, BackendError> {
    Ok(Arc::new(XtremIo::new(options, volume_name_template)?))
}
