//! The published portals: each host that comes is led to the target of its group.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

use super::admission::{self, Admission, PortalKey, Status};
use super::login::{self, Asked, Passed};
use super::pdu::Keys;
use super::traffic::{self, Disturbance};
use super::{Luns, discovery};
use crate::sim::error::SimError;
use crate::sim::server::Shared;
use crate::sim::state::Xms;

/// How long a host may take to log in.
const LOGIN: Duration = Duration::from_secs(60);

/// A portal that hosts connect to.
#[derive(Debug)]
pub(crate) struct Portal {
    pub(crate) key: PortalKey,
    /// Name of its cluster.
    pub(crate) cluster: String,
    pub(crate) address: SocketAddr,
    pub(crate) iqn: String,
    pub(crate) disturbed: watch::Sender<Disturbance>,
}

/// Listens on the portals of all clusters and publishes the ports that they got.
pub(crate) async fn bind(xms: &mut Xms) -> Result<Vec<(Arc<Portal>, TcpListener)>, SimError> {
    let mut bound = Vec::new();
    for cluster in &mut xms.clusters {
        let indexes: Vec<u64> = cluster.portals.iter().map(|p| p.id.index).collect();
        for index in indexes {
            let Some(portal) = cluster.portals.get_mut(index) else {
                continue;
            };
            let ip = portal.id.name.split('/').next().unwrap_or_default();
            let ip: IpAddr = ip.parse().map_err(|_| {
                SimError::Options(format!("the portal {:?} is no address", portal.id.name))
            })?;
            let (listener, address) = crate::sim::bind((ip, portal.port).into()).await?;
            portal.port = address.port();
            let portal = Portal {
                key: PortalKey {
                    cluster: cluster.id.index,
                    portal: index,
                },
                cluster: cluster.id.name.clone(),
                address,
                iqn: portal.iqn.clone(),
                disturbed: watch::Sender::default(),
            };
            bound.push((Arc::new(portal), listener));
        }
    }
    Ok(bound)
}

/// Accepts hosts until stopped.
pub(crate) async fn accept(
    shared: Arc<Shared>,
    luns: Arc<Luns>,
    portal: Arc<Portal>,
    listener: TcpListener,
) {
    loop {
        let accepted = tokio::select! {
            () = shared.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        // A failed accept concerns a connection that is gone already.
        let Ok((mut stream, _)) = accepted else {
            continue;
        };
        let (task, luns, portal) = (shared.clone(), luns.clone(), portal.clone());
        shared.tasks.spawn(async move {
            let cut = traffic::cut(portal.disturbed.subscribe());
            tokio::select! {
                () = task.stop.cancelled() => {}
                () = cut => {
                    // A reset is what the host shall see, not an end.
                    let _ = stream.set_zero_linger();
                }
                ended = session(&task, &luns, &portal, &mut stream) => {
                    if let Err(error) = ended {
                        tracing::debug!(portal = %portal.address, "iSCSI connection ended: {error}");
                    }
                }
            }
        });
    }
}

async fn session(
    shared: &Shared,
    luns: &Luns,
    portal: &Portal,
    stream: &mut TcpStream,
) -> io::Result<()> {
    // Small answers must not wait for acknowledgements; without the option it is only slower.
    let _ = stream.set_nodelay(true);
    let mut disturbed = portal.disturbed.subscribe();
    traffic::thawed(&mut disturbed).await;
    let passed = login::pass(stream, |asked| {
        luns.counters.of(&asked.initiator).attempt();
        admit(shared, portal, asked)
    });
    let Some(passed) = timeout(LOGIN, passed).await?? else {
        return Ok(());
    };
    traffic::thawed(&mut disturbed).await;
    let Some(target) = passed.target.clone() else {
        let targets = || admission::published(&shared.xms(), portal.key);
        return discovery::serve(stream, passed, targets).await;
    };
    let connected = match luns.serving() {
        Some(address) => TcpStream::connect(address).await.ok(),
        None => None,
    };
    let Some(mut disks) = connected else {
        let (request, number) = (&passed.request, passed.status_number);
        return login::refuse(stream, request, number, Status::UNAVAILABLE).await;
    };
    disks.set_nodelay(true)?;
    let open = luns.counters.of(&passed.initiator).login();
    introduce(passed, &target, &mut disks).await?;
    traffic::relay(stream, &mut disks, &open, &disturbed, &luns.still).await
}

fn admit(shared: &Shared, portal: &Portal, asked: &Asked) -> Result<Admission, Status> {
    if portal.disturbed.borrow().refuse_logins {
        return Err(Status::UNAVAILABLE);
    }
    let xms = shared.xms();
    match &asked.target {
        Some(iqn) => admission::normal(&xms, portal.key, &asked.initiator, iqn),
        None => admission::discovery(&xms, portal.key, &asked.initiator),
    }
}

/// Begins the host's session at tgt: as the host began it here, but with the private target.
async fn introduce(passed: Passed, target: &str, disks: &mut TcpStream) -> io::Result<()> {
    let mut names = Keys::default();
    names.put("InitiatorName", passed.initiator);
    names.put("SessionType", "Normal");
    names.put("TargetName", target);
    let mut request = passed.request;
    request.data = names.follow(passed.keys).bytes();
    request.write(disks).await
}
