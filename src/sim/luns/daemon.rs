//! The tgtd that serves the disks, and the thread that keeps it.
//!
//! The kernel ends it with that thread: a signal at the parent's death comes when the parent
//! *thread* ends, so it must be one that lives as long as the simulator. This way no tgtd stays
//! behind even if the simulator is killed.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rand::Rng as _;

use super::error::LunError;

/// How often another address is tried.
const ATTEMPTS: u32 = 8;
/// How long tgtd may take until it serves.
const PATIENCE: Duration = Duration::from_secs(20);
/// Bytes that the address of a Unix socket holds, less what tgtd adds to ours.
const SOCKET_NAME: usize = 108 - "control.0.lock".len() - 2;
/// The control port; the socket's path makes it this simulator's own.
const CONTROL: &str = "0";

type Reply<T> = mpsc::Sender<Result<T, LunError>>;

#[derive(Debug)]
enum Order {
    Start(SocketAddr, Reply<u32>),
    Kill(Reply<()>),
}

/// Where tgtd serves, privately, and how it is told what.
#[derive(Debug)]
pub(crate) struct Daemon {
    folder: PathBuf,
    orders: mpsc::Sender<Order>,
    running: Option<Running>,
}

/// A tgtd that serves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) pid: u32,
}

impl Daemon {
    /// Starts the thread, not yet tgtd. The folder's path must be absolute.
    pub(crate) fn new(folder: &Path) -> Result<Self, LunError> {
        if folder.as_os_str().len() > SOCKET_NAME {
            return Err(LunError::TooLong {
                path: folder.into(),
            });
        }
        let (orders, received) = mpsc::channel();
        let own = folder.to_owned();
        thread::Builder::new()
            .name("tgtd-keeper".into())
            .spawn(move || keep(&own, &received))
            .map_err(|source| LunError::Program {
                program: "a thread",
                source,
            })?;
        Ok(Self {
            folder: folder.into(),
            orders,
            running: None,
        })
    }

    pub(crate) fn running(&self) -> Option<Running> {
        self.running
    }

    /// Starts tgtd unless it runs; returns once it serves.
    pub(crate) fn start(&mut self) -> Result<(), LunError> {
        if self.running.is_some() {
            return Ok(());
        }
        for _ in 0..ATTEMPTS {
            // Its port must be known beforehand: on addresses that nobody else uses, a number
            // out of the air is free.
            let mut rng = rand::rng();
            let host = [
                127,
                rng.random_range(64..=254),
                rng.random(),
                rng.random_range(1..=254),
            ];
            let address = SocketAddr::from((host, rng.random_range(20_000..60_000)));
            let pid = self.order(|reply| Order::Start(address, reply))?;
            if self.serves(address)? {
                self.running = Some(Running { address, pid });
                return Ok(());
            }
            self.kill()?;
        }
        Err(LunError::Daemon {
            log: self.folder.join("tgtd.log"),
        })
    }

    /// Ends tgtd at once; returns when it is gone.
    pub(crate) fn kill(&mut self) -> Result<(), LunError> {
        self.running = None;
        self.order(Order::Kill)
    }

    fn order<T>(&self, order: impl FnOnce(Reply<T>) -> Order) -> Result<T, LunError> {
        let (reply, answer) = mpsc::channel();
        let sent = self.orders.send(order(reply));
        sent.map_err(|_| LunError::Ending)?;
        answer.recv().map_err(|_| LunError::Ending)?
    }

    /// Waits until tgtd answers; whether it listens where it was told to, which it does not if
    /// that address is taken.
    fn serves(&self, address: SocketAddr) -> Result<bool, LunError> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            // Its socket is there a moment before it answers: only asking tells.
            match self.admin(&["--mode", "portal", "--op", "show"]) {
                Ok(shown) => return Ok(shown.contains(&address.to_string())),
                Err(LunError::Refused { .. }) => thread::sleep(Duration::from_millis(10)),
                Err(error) => return Err(error),
            }
        }
        Err(LunError::Daemon {
            log: self.folder.join("tgtd.log"),
        })
    }

    /// Runs one tgtadm; what it printed.
    pub(crate) fn admin(&self, arguments: &[&str]) -> Result<String, LunError> {
        let output = Command::new("/usr/sbin/tgtadm")
            .args(["-C", CONTROL, "--lld", "iscsi"])
            .args(arguments)
            .env("TGT_IPC_SOCKET", self.folder.join("control"))
            .stdin(Stdio::null())
            .output()
            .map_err(|source| LunError::Program {
                program: "tgtadm",
                source,
            })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(LunError::Refused {
            arguments: arguments.join(" "),
            message: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }
}

/// Starts and ends tgtd as ordered; ends it when nobody can order any more.
fn keep(folder: &Path, orders: &mpsc::Receiver<Order>) {
    let mut child = None;
    while let Ok(order) = orders.recv() {
        // Who asked may have gone away in the meantime.
        match order {
            Order::Start(address, reply) => {
                end(&mut child);
                let started = spawn(folder, address).map(|new| child.insert(new).id());
                let _ = reply.send(started);
            }
            Order::Kill(reply) => {
                end(&mut child);
                let _ = reply.send(Ok(()));
            }
        }
    }
    end(&mut child);
}

fn spawn(folder: &Path, address: SocketAddr) -> Result<Child, LunError> {
    let log_path = folder.join("tgtd.log");
    let log = || {
        let file = File::options().append(true).create(true).open(&log_path);
        file.map_err(LunError::file("write", &log_path))
    };
    Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "/usr/sbin/tgtd", "-f", "-C", CONTROL])
        .args(["-t", "4", "--iscsi", &format!("portal={address}")])
        .env("TGT_IPC_SOCKET", folder.join("control"))
        .stdin(Stdio::null())
        .stdout(log()?)
        .stderr(log()?)
        .spawn()
        .map_err(|source| LunError::Program {
            program: "setpriv (util-linux) with tgtd (tgt)",
            source,
        })
}

fn end(child: &mut Option<Child>) {
    if let Some(mut child) = child.take() {
        // It may have ended by itself.
        let _ = child.kill();
        let _ = child.wait();
    }
}
