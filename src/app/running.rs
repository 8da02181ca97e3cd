//! Which processes serve with this state folder, and which of them are to drain.
//!
//! A process leaves a file named after its pid, with its hosts, for as long as it serves, and
//! beside it a socket at which it tells what it does. A
//! `drain` leaves a second file beside it and sends SIGTERM: the process then ends only when
//! nothing that it, or a process before it, has begun is left open.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::net::{UnixListener, UnixSocket};
use tracing::warn;

/// Bytes in the path of a socket, less one for its end.
const LONGEST_SOCKET: usize = 107;
/// Connections that wait to be taken.
const BACKLOG: u32 = 16;

/// A process that serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// Process id, in the namespace of whoever shares the folder.
    pub pid: u32,
    /// `host@backend` of its sections.
    pub hosts: Vec<String>,
}

/// The folder of these files.
#[derive(Debug, Clone)]
pub struct RunningDir {
    folder: PathBuf,
}

/// Removes the files of this process when dropped.
#[derive(Debug)]
pub struct Registered {
    file: PathBuf,
    marker: PathBuf,
    socket: PathBuf,
}

/// A path of a socket that is short enough for the kernel, while this is kept.
pub(super) struct Within {
    path: PathBuf,
    _folder: Option<File>,
}

impl RunningDir {
    /// Below the service's state folder.
    pub fn new(state: &Path) -> Self {
        Self {
            folder: state.join("running"),
        }
    }

    /// Says that this process serves these hosts.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn register(&self, hosts: Vec<String>) -> io::Result<Registered> {
        fs::create_dir_all(&self.folder)?;
        // What was killed has removed nothing.
        self.list()?;
        let running = Running {
            pid: std::process::id(),
            hosts,
        };
        let registered = Registered {
            file: self.file(running.pid, "json"),
            marker: self.file(running.pid, "drain"),
            socket: self.socket(running.pid),
        };
        // A process of this number that was killed may have left them.
        remove(&registered.marker);
        remove(&registered.socket);
        fs::write(&registered.file, serde_json::to_vec(&running)?)?;
        Ok(registered)
    }

    /// The processes that serve now; what dead ones left is removed.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn list(&self) -> io::Result<Vec<Running>> {
        let mut found = Vec::new();
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_none_or(|e| e != "json") {
                continue;
            }
            let Ok(running) = serde_json::from_slice::<Running>(&fs::read(&path)?) else {
                continue;
            };
            if is_ours(running.pid) {
                found.push(running);
            } else {
                remove(&path.with_extension("drain"));
                remove(&path.with_extension("sock"));
                remove(&path);
            }
        }
        found.sort_by_key(|running| running.pid);
        Ok(found)
    }

    /// Tells a process that its next SIGTERM means to drain.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn mark(&self, running: &Running) -> io::Result<()> {
        fs::write(self.file(running.pid, "drain"), b"")
    }

    /// Where a process tells what it does.
    pub fn socket(&self, pid: u32) -> PathBuf {
        self.file(pid, "sock")
    }

    fn file(&self, pid: u32, kind: &str) -> PathBuf {
        self.folder.join(format!("{pid}.{kind}"))
    }
}

impl Registered {
    /// Whether this process is to drain.
    pub fn drains(&self) -> bool {
        self.marker.exists()
    }

    /// Makes the socket, which only this user can connect to.
    ///
    /// # Errors
    /// It cannot be made.
    pub(super) fn listen(&self) -> io::Result<UnixListener> {
        let within = Within::of(&self.socket)?;
        let socket = UnixSocket::new_stream()?;
        socket.bind(within.path())?;
        // Nobody can connect before it listens.
        fs::set_permissions(&self.socket, Permissions::from_mode(0o600))?;
        socket.listen(BACKLOG)
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        remove(&self.socket);
        remove(&self.marker);
        // The last one: by it the others are found.
        remove(&self.file);
    }
}

impl Within {
    /// Opens the folder of the socket if its path is too long.
    ///
    /// # Errors
    /// The folder cannot be opened.
    pub(super) fn of(socket: &Path) -> io::Result<Self> {
        let long = socket.as_os_str().len() > LONGEST_SOCKET;
        let (Some(folder), Some(name), true) = (socket.parent(), socket.file_name(), long) else {
            return Ok(Self {
                path: socket.to_owned(),
                _folder: None,
            });
        };
        let folder = File::open(folder)?;
        let path = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string());
        Ok(Self {
            path: path.join(name),
            _folder: Some(folder),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Whether a process of this number runs our program: numbers are used again.
fn is_ours(pid: u32) -> bool {
    let of = |pid: &str| fs::read_link(format!("/proc/{pid}/exe")).ok();
    let name = |path: PathBuf| {
        let name = path.file_name()?.to_string_lossy().into_owned();
        // The kernel's word for a program that was exchanged while it ran.
        Some(name.trim_end_matches(" (deleted)").to_owned())
    };
    let theirs = of(&pid.to_string()).and_then(name);
    theirs.is_some() && theirs == of("self").and_then(name)
}

fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            warn!(path = %path.display(), %error, "cannot be removed");
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_process_is_listed_while_it_serves_and_dead_ones_are_not() {
        let state = tempfile::tempdir().unwrap();
        let dir = RunningDir::new(state.path());
        assert_eq!(dir.list().unwrap(), []);
        let registered = dir.register(vec!["ctl@xio".to_owned()]).unwrap();
        // No process can have this number.
        let dead = Running {
            pid: u32::MAX,
            hosts: Vec::new(),
        };
        let file = dir.file(dead.pid, "json");
        fs::write(&file, serde_json::to_vec(&dead).unwrap()).unwrap();
        let socket = dir.socket(dead.pid);
        fs::write(&socket, b"").unwrap();
        let listed = dir.list().unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].hosts, ["ctl@xio"]);
        assert!(!file.exists());
        assert!(!socket.exists());
        assert!(!registered.drains());
        dir.mark(&listed[0]).unwrap();
        assert!(registered.drains());
        drop(registered);
        assert_eq!(fs::read_dir(&dir.folder).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn the_socket_is_ours_alone_however_long_its_path_is() {
        let state = tempfile::tempdir().unwrap();
        let long = state.path().join("x".repeat(120));
        for state in [state.path(), &long] {
            let dir = RunningDir::new(state);
            let registered = dir.register(Vec::new()).unwrap();
            // A process of this number that was killed left its own.
            fs::write(&registered.socket, b"").unwrap();
            let registered = dir.register(Vec::new()).unwrap();
            let listener = registered.listen().unwrap();
            let path = dir.socket(std::process::id());
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            let within = Within::of(&path).unwrap();
            let connected = tokio::net::UnixStream::connect(within.path()).await;
            assert!(connected.is_ok(), "{connected:?}");
            assert!(listener.accept().await.is_ok());
            drop(registered);
            assert!(!path.exists());
        }
    }
}
