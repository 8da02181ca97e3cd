//! What passes through the portals: counted, and disturbed on demand.

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{RwLock, watch};
use tokio::time::{Instant, sleep, sleep_until};

/// Bytes passed on at once.
const CHUNK: usize = 128 << 10;

/// What is wrong with a portal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disturbance {
    /// Connections are cut at once.
    pub(crate) dead: bool,
    /// Logins are told that the service is unavailable.
    pub(crate) refuse_logins: bool,
    /// Nothing passes until then.
    pub(crate) frozen_until: Option<Instant>,
    /// In each direction of each session.
    pub(crate) bytes_per_second: Option<NonZeroU64>,
    /// How often all sessions were dropped.
    pub(crate) drops: u64,
}

/// Waits while a portal is frozen.
pub(crate) async fn thawed(disturbed: &mut watch::Receiver<Disturbance>) {
    loop {
        let until = disturbed.borrow_and_update().frozen_until;
        let Some(until) = until.filter(|until| *until > Instant::now()) else {
            return;
        };
        tokio::select! {
            () = sleep_until(until) => {}
            // The portal outlives its sessions: no error can come.
            _ = disturbed.changed() => {}
        }
    }
}

/// Waits until a session of a portal is to be cut.
pub(crate) async fn cut(mut disturbed: watch::Receiver<Disturbance>) {
    let before = disturbed.borrow().drops;
    let _ = disturbed
        .wait_for(|now| now.dead || now.drops != before)
        .await;
}

/// What one initiator did.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    attempts: AtomicU64,
    logins: AtomicU64,
    sessions: AtomicU64,
    read: AtomicU64,
    written: AtomicU64,
}

/// A session that is counted as long as it lives.
#[derive(Debug)]
pub(crate) struct Open(Arc<Counter>);

impl Counter {
    pub(crate) fn attempt(&self) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn login(self: &Arc<Self>) -> Open {
        self.logins.fetch_add(1, Ordering::Relaxed);
        self.sessions.fetch_add(1, Ordering::Relaxed);
        Open(self.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.sessions.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The counters, by initiator.
#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<BTreeMap<String, Arc<Counter>>>);

impl Counters {
    pub(crate) fn of(&self, initiator: &str) -> Arc<Counter> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(initiator.to_owned()).or_default().clone()
    }

    pub(crate) fn report(&self) -> Value {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let one = |counter: &Counter| {
            let value = |number: &AtomicU64| number.load(Ordering::Relaxed);
            json!({
                "attempts": value(&counter.attempts),
                "logins": value(&counter.logins),
                "sessions": value(&counter.sessions),
                "bytes_read": value(&counter.read),
                "bytes_written": value(&counter.written),
            })
        };
        let all = all.iter().map(|(name, c)| (name.clone(), one(c)));
        Value::Object(all.collect())
    }
}

/// Passes bytes between a host and tgt until one of them ends the connection. What hosts send
/// waits while `still` is held, so that copies are of one moment.
pub(crate) async fn relay(
    host: &mut TcpStream,
    disks: &mut TcpStream,
    open: &Open,
    disturbed: &watch::Receiver<Disturbance>,
    still: &RwLock<()>,
) -> io::Result<()> {
    let (from_host, to_host) = host.split();
    let (from_disks, to_disks) = disks.split();
    let (up, down) = (disturbed.clone(), disturbed.clone());
    tokio::select! {
        end = pump(from_host, to_disks, up, Some(still), &open.0.written) => end,
        end = pump(from_disks, to_host, down, None, &open.0.read) => end,
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut disturbed: watch::Receiver<Disturbance>,
    still: Option<&RwLock<()>>,
    count: &AtomicU64,
) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let rate = disturbed.borrow().bytes_per_second;
        // A tenth of a second's worth, or the flow would come in gusts.
        let most = rate.map_or(CHUNK, |rate| {
            usize::try_from(rate.get() / 10).map_or(CHUNK, |most| most.clamp(1, CHUNK))
        });
        let length = from.read(&mut buffer[..most]).await?;
        if length == 0 {
            return Ok(());
        }
        thawed(&mut disturbed).await;
        {
            let _moving = match still {
                Some(still) => Some(still.read().await),
                None => None,
            };
            to.write_all(&buffer[..length]).await?;
        }
        let length = length as u64;
        count.fetch_add(length, Ordering::Relaxed);
        if let Some(rate) = rate {
            sleep(Duration::from_micros(length * 1_000_000 / rate)).await;
        }
    }
}
