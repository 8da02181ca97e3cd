//! A volume mapped to this host itself, for as long as its bytes are copied.
//!
//! The mapping may be one that others on this host use as well: an instance of a Nova beside us, or
//! another copy. So the first makes it, the last takes it away, and [`LocalUses`] stands for copies
//! as attachment rows stand for instances.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Mutex, PoisonError};

use tracing::{info, warn};

use super::Run;
use super::connector;
use super::error::CommandError;
use super::rows::array_name;
use super::sharing::Held;
use crate::backend::BackendError;
use crate::backend::Connector;
use crate::db::{DbError, Read, Volume as Row};
use crate::image::{Attachment, Place};
use crate::kill::{self, Point};
use crate::rpc::opaque::Opaque;

/// Copies of volumes under way in this process: how many by volume id.
#[derive(Debug, Default)]
pub struct LocalUses {
    by_volume: Mutex<HashMap<String, Use>>,
}

#[derive(Debug, Default)]
struct Use {
    copies: usize,
    host: Option<String>,
    /// Somebody may have mapped it to this host before the first copy.
    was_mapped: bool,
}

impl LocalUses {
    fn begin(&self, volume_id: &str, host: Option<&str>, was_mapped: bool) {
        let mut all = self
            .by_volume
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let entry = all.entry(volume_id.to_owned()).or_default();
        entry.copies += 1;
        entry.host = host.map(str::to_owned);
        entry.was_mapped |= was_mapped;
    }

    /// Ends one copy; the last one learns whether the volume was mapped before the first.
    fn end(&self, volume_id: &str) -> bool {
        let mut all = self
            .by_volume
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = all.get_mut(volume_id) else {
            return false;
        };
        entry.copies -= 1;
        let was_mapped = entry.was_mapped;
        if entry.copies == 0 {
            all.remove(volume_id);
        }
        was_mapped
    }

    /// Whether a copy of the volume runs here, and this is the host it is mapped to.
    pub(super) fn hold(&self, volume_id: &str, host: Option<&str>) -> bool {
        let all = self
            .by_volume
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.get(volume_id)
            .is_some_and(|entry| entry.host.as_deref() == host)
    }
}

impl Run<'_> {
    /// Runs `work` on the bytes of a volume that is mapped to this host meanwhile. Whatever comes
    /// of it, the volume is given up again; where that fails after work that went well, the bytes
    /// may not be on the array, and it is an error too.
    pub(super) async fn with_local<T, F>(
        &self,
        row: &Row,
        work: impl FnOnce(Place) -> F,
    ) -> Result<T, CommandError>
    where
        F: Future<Output = Result<T, CommandError>>,
    {
        let properties = self.images.path.connector().await?;
        let properties = Opaque(properties);
        let host = connector::of(&properties);
        let attachment = self.map_here(row, &host, &properties).await?;
        let outcome = self.on_attachment(&attachment, work).await;
        let given_up = self.unmap_here(row, &host).await;
        match (outcome, given_up) {
            (Ok(done), Ok(())) => Ok(done),
            (Ok(done), Err(error)) => {
                // The bytes are where they should be.
                warn!(volume.id = %row.id, error = %error.chain(), "a mapping to this host may be left on the array");
                Ok(done)
            }
            (Err(error), _) => Err(error),
        }
    }

    /// What an earlier process may have left of a copy: device and mapping. Does nothing where the
    /// mapping is in use.
    pub(super) async fn give_up_local(&self, row: &Row) -> Result<(), CommandError> {
        let path = &self.images.path;
        // A host that has no way to the bytes has begun no copy.
        let Ok(properties) = path.connector().await else {
            return Ok(());
        };
        let properties = Opaque(properties);
        let host = connector::of(&properties);
        let key = host.host.as_deref();
        let _mapping = self.lock_mapping(&row.id, key).await?;
        if self.is_held(&row.id, key).await? {
            return Ok(());
        }
        let seen = || self.backend.is_connected(array_name(row), &host);
        if !self.array(seen).await? {
            return Ok(());
        }
        // The same connection again, to know which device it is.
        let connection = self.connect(row, &host).await?;
        path.close(&attachment(row, connection), true).await?;
        self.disconnect(array_name(row), Some(&host)).await?;
        info!(volume.id = %row.id, "the mapping of a copy that was cut off is taken back");
        Ok(())
    }

    /// The same of a volume whose row may be deleted.
    pub(super) async fn give_up_local_of(&self, id: &str) -> Result<(), CommandError> {
        match self.db(|| self.db.volume(id, Read::WithDeleted)).await {
            Ok(row) => self.give_up_local(&row).await,
            Err(CommandError::Db(DbError::NotFound { .. })) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn map_here(
        &self,
        row: &Row,
        host: &Connector,
        properties: &Opaque,
    ) -> Result<Attachment, CommandError> {
        let key = host.host.as_deref();
        let _mapping = self.lock_mapping(&row.id, key).await?;
        self.backend.check_connector(host)?;
        let was_mapped = match self.held(&row.id, key).await? {
            Held::No | Held::Yes => false,
            // An instance on this host, or on another one: the array knows.
            Held::Maybe => {
                let seen = || self.backend.is_connected(array_name(row), host);
                self.array(seen).await?
            }
        };
        self.local.begin(&row.id, key, was_mapped);
        let mapped = async {
            let connection = self.connect(row, host).await?;
            kill::pass(Point::MappedHere);
            let kind = connection.driver_volume_type;
            let data = self.enriched(row, connection, properties).await?;
            Ok(Attachment {
                driver_volume_type: kind.to_owned(),
                data,
                size: bytes(row),
            })
        };
        match mapped.await {
            Ok(attachment) => Ok(attachment),
            Err(error) => {
                self.local.end(&row.id);
                self.undo_mapping(row, host).await;
                Err(error)
            }
        }
    }

    async fn on_attachment<T, F>(
        &self,
        attachment: &Attachment,
        work: impl FnOnce(Place) -> F,
    ) -> Result<T, CommandError>
    where
        F: Future<Output = Result<T, CommandError>>,
    {
        let path = &self.images.path;
        let place = path.open(attachment).await?;
        let outcome = tokio::select! {
            outcome = work(place) => outcome,
            () = self.stop.cancelled() => Err(CommandError::Stopping),
        };
        let closed = path.close(attachment, outcome.is_err()).await;
        match (outcome, closed) {
            (Ok(done), Ok(())) => Ok(done),
            (Ok(_), Err(error)) => Err(error.into()),
            (Err(error), Ok(())) => Err(error),
            (Err(error), Err(left)) => {
                warn!(error = %left, "a device may be left on this host");
                Err(error)
            }
        }
    }

    async fn unmap_here(&self, row: &Row, host: &Connector) -> Result<(), CommandError> {
        let key = host.host.as_deref();
        let _mapping = self.lock_mapping(&row.id, key).await?;
        let was_mapped = self.local.end(&row.id);
        match self.held(&row.id, key).await? {
            Held::Yes => return Ok(()),
            Held::Maybe if was_mapped => return Ok(()),
            Held::Maybe | Held::No => {}
        }
        // An array that is away is waited for: nobody else would ever take the mapping away.
        loop {
            match self.disconnect(array_name(row), Some(host)).await {
                Err(CommandError::Connection {
                    source: Some(BackendError::Unavailable { .. }),
                    ..
                }) => {
                    warn!(volume.id = %row.id, "the array is still away: mapped to this host until it is back")
                }
                unmapped => break unmapped?,
            }
        }
        kill::pass(Point::UnmappedHere);
        Ok(())
    }
}

fn attachment(row: &Row, connection: crate::backend::Connection) -> Attachment {
    Attachment {
        driver_volume_type: connection.driver_volume_type.to_owned(),
        data: connection.data,
        size: bytes(row),
    }
}

/// Size of a volume in bytes.
pub(super) fn bytes(row: &Row) -> u64 {
    u64::try_from(row.size.unwrap_or(0)).unwrap_or(0) << 30
}
