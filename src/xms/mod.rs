//! Typed client of the XMS REST API: the only user of reqwest for XMS.
//!
//! A call is a value: `request::Request` says method, object, query, body and thereby its retry
//! class; `send` carries it out. `session` knows which dialect and which cluster are meant;
//! each resource has a file of its own. Nothing here knows volumes of Cinder, rows or messages.
//!
//! | To add | Do |
//! |---|---|
//! | an object type | one file with its properties and calls, one accessor on [`Xms`] |
//! | an error message of the array | one line in `refusal` |
//! | a dialect | one variant of [`Dialect`] |

mod client;
mod clusters;
mod consistency_groups;
mod dialect;
mod error;
mod initiator_groups;
mod initiators;
mod iscsi_portals;
mod lun_maps;
mod refusal;
mod request;
mod send;
mod session;
mod snapshots;
mod targets;
mod tls;
mod value;
mod volumes;
mod xms_info;

use std::sync::Arc;

pub use client::{ClientOptions, chain};
pub use clusters::{ChapModes, Cluster, Clusters};
pub use consistency_groups::ConsistencyGroups;
pub use dialect::{Dialect, Version};
pub use error::XmsError;
pub use initiator_groups::InitiatorGroups;
pub use initiators::{Initiator, InitiatorChap, Initiators, NewInitiator, canonical_address};
pub use iscsi_portals::{IscsiPortal, IscsiPortals};
pub use lun_maps::{GroupMapping, LunMaps, MappedVolume};
pub use send::{Created, RetryPolicy};
pub use session::Session;
pub use snapshots::{CopyKind, Snapshots};
pub use targets::Targets;
pub use tls::{ServerCertificate, install_crypto_provider};
pub use value::{Count, Kilobytes, Oid};
pub use volumes::{LunMapping, Mappings, Volume, Volumes};

use client::Transport;
use session::Sessions;

/// One XMS and the cluster that was chosen on it. Cheap to share behind an [`Arc`].
#[derive(Debug)]
pub struct Xms {
    transport: Transport,
    sessions: Sessions,
}

impl Xms {
    /// A client with these options; connects on the first call only.
    ///
    /// # Errors
    /// [`XmsError::Setup`] when the CA files cannot be used or the address is none.
    pub fn new(options: ClientOptions) -> Result<Self, XmsError> {
        let sessions = Sessions::new(options.cluster_name.clone());
        let transport = Transport::new(options)?;
        Ok(Self {
            transport,
            sessions,
        })
    }

    /// Dialect and cluster in use: detected by the first call, then cached for some minutes.
    ///
    /// # Errors
    /// Those of the calls it takes; [`XmsError::ClusterRequired`] and
    /// [`XmsError::UnknownCluster`] when the option does not settle the cluster.
    pub async fn session(&self) -> Result<Arc<Session>, XmsError> {
        self.sessions.current(&self.transport).await
    }

    /// Forgets dialect and cluster and detects them anew.
    ///
    /// # Errors
    /// Those of [`Xms::session`].
    pub async fn detect(&self) -> Result<Arc<Session>, XmsError> {
        self.sessions.forget();
        self.session().await
    }

    /// `clusters`
    pub fn clusters(&self) -> Clusters<'_> {
        Clusters::new(self)
    }

    /// `volumes`
    pub fn volumes(&self) -> Volumes<'_> {
        Volumes::new(self)
    }

    /// `snapshots`
    pub fn snapshots(&self) -> Snapshots<'_> {
        Snapshots::new(self)
    }

    /// `consistency-groups` and their members.
    pub fn consistency_groups(&self) -> ConsistencyGroups<'_> {
        ConsistencyGroups::new(self)
    }

    /// `initiators`
    pub fn initiators(&self) -> Initiators<'_> {
        Initiators::new(self)
    }

    /// `initiator-groups`
    pub fn initiator_groups(&self) -> InitiatorGroups<'_> {
        InitiatorGroups::new(self)
    }

    /// `lun-maps`
    pub fn lun_maps(&self) -> LunMaps<'_> {
        LunMaps::new(self)
    }

    /// `iscsi-portals`
    pub fn iscsi_portals(&self) -> IscsiPortals<'_> {
        IscsiPortals::new(self)
    }

    /// `targets`
    pub fn targets(&self) -> Targets<'_> {
        Targets::new(self)
    }

    /// Passes a result on; an error that contradicts the session drops it.
    fn watched<T>(&self, result: Result<T, XmsError>) -> Result<T, XmsError> {
        if let Err(error) = &result
            && error.contradicts_session()
        {
            self.sessions.forget();
        }
        result
    }
}
