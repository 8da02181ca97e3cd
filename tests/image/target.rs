//! A real iSCSI target of one test: tgtd in user space, on a port and a control socket of its own.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cinder_volume_xtremio::image::{Chap, IscsiLun, Place};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const TARGET: &str = "iqn.2008-05.com.xtremio:test";
const INITIATOR: &str = "iqn.1993-08.org.debian:01:test";
pub(super) const USER: &str = "chap-user";
pub(super) const SECRET: &str = "chap,secret=12";

/// Gone on drop.
pub(super) struct Target {
    dir: tempfile::TempDir,
    child: Child,
    pub(super) port: u16,
    chap: Option<Chap>,
}

impl Target {
    pub(super) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let log = std::fs::File::create(dir.path().join("tgtd.log")).unwrap();
        let child = Command::new("tgtd")
            .args(["-f", "-C", "1", "--iscsi"])
            .arg(format!("portal=127.0.0.1:{port}"))
            .env("TGT_IPC_SOCKET", dir.path().join("control"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("tgtd: run `make test`, which installs it");
        let target = Self {
            dir,
            child,
            port,
            chap: None,
        };
        until("tgtd answers", || {
            target.asked(&["--mode", "sys", "--op", "show"])
        });
        target.ask("target", "new", &["-T", TARGET]);
        target.ask("target", "bind", &["-I", "ALL"]);
        target
    }

    fn asked(&self, args: &[&str]) -> bool {
        let answer = Command::new("tgtadm")
            .args(["-C", "1", "--lld", "iscsi"])
            .args(args)
            .env("TGT_IPC_SOCKET", self.dir.path().join("control"))
            .output()
            .unwrap();
        answer.status.success()
    }

    fn ask(&self, mode: &str, op: &str, args: &[&str]) {
        let mut all = vec!["--mode", mode, "--op", op, "--tid", "1"];
        all.extend(args);
        assert!(self.asked(&all), "{all:?}");
    }

    /// A thin LUN that is full of old data. Returns the file behind it.
    pub(super) fn lun(&self, lun: u16, size: u64) -> PathBuf {
        let path = self.dir.path().join(format!("lun{lun}"));
        std::fs::write(&path, vec![0xff; usize::try_from(size).unwrap()]).unwrap();
        self.lun_of(lun, &path);
        path
    }

    /// A thin LUN over that file.
    pub(super) fn lun_of(&self, lun: u16, path: &Path) {
        let lun = lun.to_string();
        let path = path.to_str().unwrap();
        self.ask("logicalunit", "new", &["--lun", &lun, "-b", path]);
        let thin = ["--lun", &lun, "--params", "thin_provisioning=1"];
        self.ask("logicalunit", "update", &thin);
    }

    /// From now on initiators must log in.
    pub(super) fn with_chap(&mut self) {
        let account = ["--mode", "account", "--op"];
        let new = ["new", "--user", USER, "--password", SECRET];
        assert!(self.asked(&[&account[..], &new[..]].concat()));
        let bind = ["bind", "--tid", "1", "--user", USER];
        assert!(self.asked(&[&account[..], &bind[..]].concat()));
        self.chap = Some(Chap {
            user: USER.to_owned(),
            password: SECRET.into(),
        });
    }

    pub(super) fn iscsi(&self, lun: u16) -> IscsiLun {
        match place_at(self.port, lun, self.chap.clone()) {
            Place::Iscsi(lun) => lun,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn place(&self, lun: u16) -> Place {
        Place::Iscsi(self.iscsi(lun))
    }

    pub(super) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().try_into().unwrap());
        kill(pid, signal).unwrap();
    }

    /// Programs that talk to it.
    pub(super) fn clients(&self) -> Vec<i32> {
        processes_naming(&format!("127.0.0.1:{}", self.port), self.child.id())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // SIGKILL ends a stopped process too
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        if !std::thread::panicking() {
            assert_eq!(self.clients(), [0; 0], "converters are left");
        }
    }
}

/// A LUN of the target at that port.
pub(super) fn place_at(port: u16, lun: u16, chap: Option<Chap>) -> Place {
    Place::Iscsi(IscsiLun {
        portal: format!("127.0.0.1:{port}"),
        target: TARGET.to_owned(),
        lun,
        initiator: INITIATOR.to_owned(),
        chap,
    })
}

/// Ids of the processes whose command line holds the text, but for one.
pub(super) fn processes_naming(text: &str, but: u32) -> Vec<i32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse().ok()) else {
            continue;
        };
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        if line.contains(text) && u32::try_from(pid) != Ok(but) {
            found.push(pid);
        }
    }
    found
}

/// Asks until it is so; what no event tells.
pub(super) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(15);
    while !so() {
        assert!(Instant::now() < end, "{what}: not within 15 s");
        std::thread::sleep(Duration::from_millis(20));
    }
}
