//! XMS simulator: an XtremIO management server over HTTPS, for tests, the demo and benchmarks.
//!
//! It plays releases 3.0, 4.0, 4.2 and 6.3 with one or several clusters, is strict about the
//! keys of request bodies, counts what clients cost, and fails on demand. Given a folder, its
//! volumes are real disks behind iSCSI portals. Imports no production room, so that it shares no
//! bug with them.

mod admin;
mod auth;
mod body;
mod error;
mod faults;
mod luns;
mod objects;
mod options;
mod query;
mod refusal;
mod request;
mod server;
mod state;
mod stats;
mod store;
mod tls;
mod version;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use auth::Account;
use luns::Luns;
use server::Shared;
use state::Xms;

pub use error::SimError;
pub use faults::{Fault, FaultAction, FaultMatch};
pub use luns::LunError;
pub use options::{ChapMode, FcTargetOptions, Limits, PortalOptions, SimOptions};
pub use stats::Stats;
pub use version::{UnknownVersion, XmsVersion};

/// The simulator; see [`Sim::start`].
#[derive(Debug)]
pub struct Sim;

/// A running simulator. Dropping it stops it.
#[derive(Debug)]
pub struct SimHandle {
    /// `https://127.0.0.1:PORT`, without a path.
    pub url: String,
    /// `http://127.0.0.1:PORT` of the admin interface.
    pub admin_url: String,
    /// Certificate of the authority that clients must trust, PEM.
    pub ca_pem: String,
    /// TCP port of the HTTPS side.
    pub port: u16,
    shared: Arc<Shared>,
}

impl Sim {
    /// Starts serving; returns once both ports accept connections.
    ///
    /// # Errors
    /// Options that contradict each other, addresses that cannot be bound, disks that cannot be
    /// served.
    pub async fn start(options: SimOptions) -> Result<SimHandle, SimError> {
        check(&options)?;
        let names = match options.listen.ip() {
            ip if ip.is_unspecified() => Vec::new(),
            ip => vec![ip.to_string()],
        };
        let identity = tls::identity(&names)?;
        let (listener, address) = bind(options.listen).await?;
        let (admin, admin_address) = bind(options.admin).await?;
        let mut xms = Xms::new(&options);
        let mut portals = Vec::new();
        let luns = match &options.luns {
            None => None,
            Some(folder) => {
                portals = luns::front::bind(&mut xms).await?;
                let served = portals.iter().map(|(portal, _)| portal.clone());
                Some(Luns::start(folder, served.collect()).await?)
            }
        };
        let account = Account::new(options.user, options.password);
        let shared = Arc::new(Shared::new(xms, account, luns));
        let tls = TlsAcceptor::from(identity.config);
        let tasks = &shared.tasks;
        tasks.spawn(server::accept(shared.clone(), listener, Some(tls)));
        tasks.spawn(server::accept(shared.clone(), admin, None));
        if let Some(luns) = &shared.luns {
            for (portal, listener) in portals {
                let (shared, luns) = (shared.clone(), luns.clone());
                tasks.spawn(luns::front::accept(shared, luns, portal, listener));
            }
        }
        Ok(SimHandle {
            url: format!("https://{address}"),
            admin_url: format!("http://{admin_address}"),
            ca_pem: identity.ca_pem,
            port: address.port(),
            shared,
        })
    }
}

fn check(options: &SimOptions) -> Result<(), SimError> {
    let fault = |text: String| Err(SimError::Options(text));
    if options.clusters.is_empty() {
        return fault("an XMS manages at least one cluster".into());
    }
    if options.xms_version < XmsVersion::V40 && options.clusters.len() > 1 {
        return fault(format!(
            "XMS {} manages exactly one cluster, {} were given",
            options.xms_version,
            options.clusters.len()
        ));
    }
    for (at, name) in options.clusters.iter().enumerate() {
        if name.is_empty() || options.clusters[..at].contains(name) {
            return fault(format!("cluster name {name:?} is empty or given twice"));
        }
    }
    Ok(())
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), SimError> {
    let error = |source| SimError::Bind { address, source };
    let listener = TcpListener::bind(address).await.map_err(error)?;
    let bound = listener.local_addr().map_err(error)?;
    Ok((listener, bound))
}

impl SimHandle {
    /// All objects that clients made, by cluster, as `GET /state` of the admin interface.
    pub fn state(&self) -> Value {
        self.shared.xms().state()
    }

    /// The counters.
    pub fn stats(&self) -> Stats {
        self.shared.stats().clone()
    }

    /// Sets all counters to zero.
    pub fn reset_stats(&self) {
        *self.shared.stats() = Stats::default();
    }

    /// Adds a fault behind those there are; the first that matches a request befalls it.
    pub fn add_fault(&self, fault: Fault) {
        self.shared.faults().push(fault);
    }

    /// Removes all faults; requests that hang go on.
    pub fn clear_faults(&self) {
        self.shared.clear_faults();
    }

    /// Makes every answer take at least so long (whole milliseconds).
    pub fn set_latency(&self, latency: Duration) {
        let ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        self.shared.latency_ms.store(ms, Ordering::Relaxed);
    }

    /// Sets the CHAP modes of all clusters, as an administrator does with the array's CLI.
    pub fn set_chap(&self, login: ChapMode, discovery: ChapMode) {
        self.shared.xms().set_chap(login, discovery);
    }

    /// The file that holds the bytes of a volume or snapshot; None if there is none of that name
    /// or no disks at all. With several clusters, the first that has one.
    pub fn disk_file(&self, volume: &str) -> Option<PathBuf> {
        self.shared.luns.as_ref()?.file(volume)
    }

    /// Removes all objects that clients made. Indexes are not given again. Disks go with the
    /// next change of the array.
    pub fn reset(&self) {
        self.shared.xms().reset();
    }

    /// Cuts all connections and returns when nothing runs any more.
    pub async fn shutdown(self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
        if let Some(luns) = &self.shared.luns
            && let Err(error) = luns.kill().await
        {
            tracing::warn!("tgtd was not ended: {error}");
        }
    }
}

impl Drop for SimHandle {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}
