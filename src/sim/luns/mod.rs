//! Real disks behind the simulated array: what is mapped can be read and written over iSCSI by
//! any initiator.
//!
//! Volumes are sparse files ([`files`]); one tgtd ([`daemon`]) shows them, with one private
//! target for each initiator group ([`targets`]). Hosts never see it: they connect to the
//! portals that the array publishes ([`front`]), log in there ([`login`]) as the array's objects
//! say ([`admission`]), and their sessions are passed on ([`traffic`]).
//!
//! Two things are not as on an array. LUN 0 is tgt's own, so a volume mapped there is not seen.
//! And the volume's NAA name is the serial number, the T10 designator, and the last half of the
//! NAA designator: hosts see the name `3` `6000000000000000` `514f0c5...` instead of `3`
//! `514f0c5...`, for tgt only makes names of type 6.

pub(crate) mod admin;
mod admission;
mod chap;
mod daemon;
mod discovery;
mod error;
mod files;
pub(crate) mod front;
mod login;
mod pdu;
mod targets;
mod traffic;
mod wanted;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedMutexGuard, RwLock};

use daemon::Daemon;
use files::Files;
use front::Portal;
use targets::Targets;
use traffic::Counters;
use wanted::{DiskKey, Wanted};

use super::server::Shared;
use super::state::Xms;

pub use error::LunError;

/// The disks of a simulator.
#[derive(Debug)]
pub(crate) struct Luns {
    portals: Vec<Arc<Portal>>,
    counters: Counters,
    targets: Mutex<Targets>,
    /// Where tgtd serves; None while it does not.
    serving: Mutex<Option<SocketAddr>>,
    /// Files and targets follow the objects in the order of the requests that changed them.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// Held for writing while hosts must be still.
    still: RwLock<()>,
}

/// The right to change the array next.
pub(crate) type Turn = OwnedMutexGuard<()>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Luns {
    /// Takes the folder and starts tgtd.
    pub(crate) async fn start(
        folder: &Path,
        portals: Vec<Arc<Portal>>,
    ) -> Result<Arc<Self>, LunError> {
        std::fs::create_dir_all(folder).map_err(LunError::file("make", folder))?;
        // tgtd goes to the root folder.
        let folder = folder
            .canonicalize()
            .map_err(LunError::file("find", folder))?;
        let targets = Targets::new(Files::open(&folder)?, Daemon::new(&folder)?);
        let luns = Arc::new(Self {
            portals,
            counters: Counters::default(),
            targets: Mutex::new(targets),
            serving: Mutex::new(None),
            turn: Arc::default(),
            still: RwLock::new(()),
        });
        luns.start_tgtd().await?;
        Ok(luns)
    }

    /// Waits until no other request changes the array.
    pub(crate) async fn turn(&self) -> Turn {
        self.turn.clone().lock_owned().await
    }

    /// Makes files and targets follow the array's objects; returns when they do.
    ///
    /// The state is read before anything is awaited, and the work goes on if nobody waits for
    /// it any more: a client that goes away must not make the two differ.
    pub(crate) fn follow(
        self: &Arc<Self>,
        turn: Turn,
        xms: &mut Xms,
    ) -> impl Future<Output = Result<(), LunError>> + use<> {
        let wanted = Wanted::of(xms);
        self.run(move |luns| {
            let _turn = turn;
            let mut targets = lock(&luns.targets);
            let still = targets.must_be_still(&wanted);
            let _still = still.then(|| luns.still.blocking_write());
            targets.follow(wanted)
        })
    }

    /// As [`Self::follow`], after a change that nobody waited for.
    pub(crate) async fn catch_up(self: &Arc<Self>, shared: &Shared) -> Result<(), LunError> {
        let turn = self.turn().await;
        let following = self.follow(turn, &mut shared.xms());
        following.await
    }

    /// Ends tgtd at once.
    pub(crate) async fn kill(self: &Arc<Self>) -> Result<(), LunError> {
        self.run(|luns| {
            *lock(&luns.serving) = None;
            lock(&luns.targets).kill()
        })
        .await
    }

    /// Starts tgtd without any LUN.
    async fn start_tgtd(self: &Arc<Self>) -> Result<(), LunError> {
        self.run(|luns| {
            let mut targets = lock(&luns.targets);
            targets.daemon.start()?;
            let running = targets.daemon.running();
            *lock(&luns.serving) = running.map(|running| running.address);
            Ok(())
        })
        .await
    }

    fn serving(&self) -> Option<SocketAddr> {
        *lock(&self.serving)
    }

    /// Where the bytes of the volume with a name are.
    pub(crate) fn file(&self, name: &str) -> Option<PathBuf> {
        let targets = lock(&self.targets);
        let mut paths = targets.paths();
        paths.find_map(|(_, known, path)| (known == name).then_some(path))
    }

    /// Key, name and file of each disk; tgtd's process.
    async fn files(
        self: &Arc<Self>,
    ) -> Result<(Vec<(DiskKey, String, PathBuf)>, Option<u32>), LunError> {
        self.run(|luns| {
            let targets = lock(&luns.targets);
            let files = targets.paths();
            let files = files.map(|(key, name, path)| (key, name.to_owned(), path));
            let running = targets.daemon.running();
            Ok((files.collect(), running.map(|running| running.pid)))
        })
        .await
    }

    /// Does something that takes its time beside the runtime.
    fn run<T: Send + 'static, W>(
        self: &Arc<Self>,
        work: W,
    ) -> impl Future<Output = Result<T, LunError>> + use<T, W>
    where
        W: FnOnce(&Self) -> Result<T, LunError> + Send + 'static,
    {
        let luns = self.clone();
        let task = tokio::task::spawn_blocking(move || work(&luns));
        async move { task.await.unwrap_or(Err(LunError::Ending)) }
    }
}
