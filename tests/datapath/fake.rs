//! A host with iSCSI sessions, FC ports, disks and maps, in a folder.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use cinder_volume_xtremio::image::{Call, Machine, Output};
use secrecy::ExposeSecret as _;

/// A unit that the array shows: size in bytes, and its name.
pub(super) type Unit = (u64, &'static str);

#[derive(Debug, Default)]
struct State {
    log: Vec<String>,
    /// `portal iqn` to session number; its host is 3 more.
    sessions: BTreeMap<String, u32>,
    disks: u8,
}

#[derive(Debug)]
pub(super) struct Fake {
    dir: tempfile::TempDir,
    state: Mutex<State>,
    /// `(host, LUN on the wire)`
    pub(super) units: BTreeMap<(u32, u16), Unit>,
    /// Commands that begin so fail.
    pub(super) fails: Vec<&'static str>,
    /// Whether multipathd takes new disks.
    pub(super) maps: bool,
}

impl Fake {
    pub(super) fn new(units: &[((u32, u16), Unit)]) -> Self {
        let fake = Self {
            dir: tempfile::tempdir().unwrap(),
            state: Mutex::default(),
            units: units.iter().copied().collect(),
            fails: Vec::new(),
            maps: false,
        };
        fake.put("etc/iscsi/initiatorname.iscsi", "InitiatorName=iqn.host\n");
        fs::create_dir_all(fake.at("sys/block")).unwrap();
        fake
    }

    pub(super) fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    pub(super) fn put(&self, path: &str, text: &str) {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        fs::write(self.at(path), text).unwrap();
    }

    /// An FC port that is logged in to one target port.
    pub(super) fn fc(&self, host: u32, port: &str, remote: &str) {
        let hba = format!("sys/class/fc_host/host{host}");
        self.put(&format!("{hba}/port_state"), "Online\n");
        self.put(&format!("{hba}/port_name"), &format!("0x{port}\n"));
        self.put(&format!("{hba}/node_name"), &format!("0x1{}\n", &port[1..]));
        let rport = format!("sys/class/fc_remote_ports/rport-{host}:0-1");
        self.put(&format!("{rport}/port_name"), &format!("0x{remote}\n"));
        self.put(&format!("{rport}/scsi_target_id"), "0\n");
    }

    pub(super) fn log(&self) -> Vec<String> {
        self.state.lock().unwrap().log.clone()
    }

    /// Names of the block devices.
    pub(super) fn blocks(&self) -> Vec<String> {
        let entries = fs::read_dir(self.at("sys/block")).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    pub(super) fn sessions(&self) -> usize {
        self.state.lock().unwrap().sessions.len()
    }

    /// A disk comes up on a host.
    pub(super) fn appear(&self, host: u32, lun: u16) {
        let Some((size, wwid)) = self.units.get(&(host, lun)) else {
            return;
        };
        let address = format!("{host}:0:0:{lun}");
        let unit = format!("sys/class/scsi_device/{address}/device");
        if self.at(&unit).exists() {
            return;
        }
        let name = {
            let mut state = self.state.lock().unwrap();
            state.disks += 1;
            format!("sd{}", char::from(b'a' + state.disks - 1))
        };
        self.put(&format!("{unit}/block/{name}/x"), "");
        self.put(&format!("{unit}/wwid"), &format!("naa.{wwid}\n"));
        let block = format!("sys/block/{name}");
        self.put(&format!("{block}/size"), &format!("{}\n", size / 512));
        self.put(&format!("{block}/address"), &address);
        fs::create_dir_all(self.at(&format!("{block}/device"))).unwrap();
        if host > 3 {
            let session = host - 3;
            let target =
                format!("sys/class/iscsi_host/host{host}/device/session{session}/target{host}:0:0");
            fs::create_dir_all(self.at(&target)).unwrap();
        }
        if self.maps {
            self.put(&format!("{block}/holders/dm-0"), "");
            self.put("sys/block/dm-0/dm/uuid", &format!("mpath-3{wwid}"));
            self.put("sys/block/dm-0/dm/name", &format!("3{wwid}"));
            self.put("sys/block/dm-0/size", &format!("{}\n", size / 512));
        }
    }

    fn remove_map(&self) {
        for name in self.blocks() {
            let _held_or_not = fs::remove_file(self.at(&format!("sys/block/{name}/holders/dm-0")));
        }
        let _there_or_not = fs::remove_dir_all(self.at("sys/block/dm-0"));
    }

    fn iscsiadm(&self, args: &[String]) -> (i32, String) {
        let after = |flag: &str| {
            let at = args.iter().position(|arg| arg == flag)?;
            args.get(at + 1).cloned()
        };
        let mut state = self.state.lock().unwrap();
        if args[1] == "session" {
            let lines = state.sessions.iter().map(|(key, id)| {
                let (portal, target) = key.split_once(' ').unwrap();
                format!("tcp: [{id}] {portal},1 {target} (non-flash)\n")
            });
            let text: String = lines.collect();
            return (if text.is_empty() { 21 } else { 0 }, text);
        }
        let key = format!("{} {}", after("-p").unwrap(), after("-T").unwrap());
        if args.iter().any(|arg| arg == "--login") {
            let id = u32::try_from(state.sessions.len()).unwrap() + 1;
            state.sessions.insert(key, id);
            let host = id + 3;
            let dir = format!("sys/class/iscsi_host/host{host}/device/session{id}");
            fs::create_dir_all(self.at(&dir)).unwrap();
        } else if args.iter().any(|arg| arg == "--logout") {
            let id = state.sessions.remove(&key).expect("logged in");
            let host = format!("sys/class/iscsi_host/host{}", id + 3);
            fs::remove_dir_all(self.at(&host)).unwrap();
        } else if args.len() == 6 && !state.sessions.contains_key(&key) {
            return (21, String::new());
        }
        (0, String::new())
    }
}

#[async_trait]
impl Machine for Fake {
    async fn run(&self, call: &Call) -> io::Result<Output> {
        let mut args = call.args.clone();
        args.extend(call.secret.iter().map(|s| s.expose_secret().to_owned()));
        let text = format!("{} {}", call.program, args.join(" "));
        self.state.lock().unwrap().log.push(text.clone());
        if let Some(fail) = self.fails.iter().find(|fail| text.contains(**fail)) {
            let stderr = format!("{fail} was made to fail");
            return Ok(Output {
                code: 8,
                stdout: String::new(),
                stderr,
            });
        }
        let (code, stdout) = match (call.program, args[0].as_str()) {
            ("iscsiadm", _) => self.iscsiadm(&args),
            ("multipath", "-f") | ("multipathd", "del") => {
                self.remove_map();
                (0, String::new())
            }
            ("multipath" | "multipathd" | "dd" | "blockdev", _) => (0, String::new()),
            other => panic!("{other:?}"),
        };
        let stderr = if code == 21 { "iscsiadm: none" } else { "" };
        Ok(Output {
            code,
            stdout,
            stderr: stderr.to_owned(),
        })
    }

    async fn write(&self, path: &Path, text: &str, _: Duration) -> io::Result<()> {
        let path = path
            .strip_prefix(self.dir.path())
            .unwrap()
            .to_str()
            .unwrap();
        let parts: Vec<&str> = path.split('/').collect();
        if !path.ends_with("rescan") {
            let mut state = self.state.lock().unwrap();
            state.log.push(format!("write /{path} {text}"));
        }
        match parts.as_slice() {
            ["sys", "class", "scsi_host", host, "scan"] => {
                let lun = text.rsplit(' ').next().unwrap().parse().unwrap();
                self.appear(host[4..].parse().unwrap(), lun);
            }
            ["sys", "block", name, "device", "delete"] => {
                let block = self.at(&format!("sys/block/{name}"));
                let address = fs::read_to_string(block.join("address")).unwrap();
                fs::remove_dir_all(block).unwrap();
                fs::remove_dir_all(self.at(&format!("sys/class/scsi_device/{address}"))).unwrap();
            }
            [.., "rescan"] => {}
            other => panic!("{other:?}"),
        }
        Ok(())
    }

    fn root(&self) -> &Path {
        self.dir.path()
    }
}
