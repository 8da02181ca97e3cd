//! Which processes serve with this state folder, and which of them are to drain.
//!
//! A process leaves a file named after its pid, with its hosts, for as long as it serves. A
//! `drain` leaves a second file beside it and sends SIGTERM: the process then ends only when
//! nothing that it, or a process before it, has begun is left open.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tracing::warn;

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
        let running = Running {
            pid: std::process::id(),
            hosts,
        };
        let registered = Registered {
            file: self.file(running.pid, "json"),
            marker: self.file(running.pid, "drain"),
        };
        // A process of this number that was killed may have left one.
        remove(&registered.marker);
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
                remove(&path);
                remove(&path.with_extension("drain"));
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

    fn file(&self, pid: u32, kind: &str) -> PathBuf {
        self.folder.join(format!("{pid}.{kind}"))
    }
}

impl Registered {
    /// Whether this process is to drain.
    pub fn drains(&self) -> bool {
        self.marker.exists()
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        remove(&self.file);
        remove(&self.marker);
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
        let listed = dir.list().unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].hosts, ["ctl@xio"]);
        assert!(!file.exists());
        assert!(!registered.drains());
        dir.mark(&listed[0]).unwrap();
        assert!(registered.drains());
        drop(registered);
        assert_eq!(fs::read_dir(&dir.folder).unwrap().count(), 0);
    }
}
