//! An array with disks, and hosts that use them.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use cinder_volume_xtremio::sim::{SimOptions, XmsVersion};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::support::xms::TestXms;

/// An array with two portals.
pub(super) struct Array {
    pub(super) xms: TestXms,
    pub(super) portals: Vec<Portal>,
    folder: TempDir,
}

/// A published portal.
#[derive(Debug, Clone)]
pub(super) struct Portal {
    pub(super) address: String,
    pub(super) iqn: String,
}

/// What a host does to reach a disk.
#[derive(Debug, Clone)]
pub(super) struct Host {
    pub(super) iqn: String,
    pub(super) portal: Portal,
    /// User and secret.
    pub(super) chap: Option<(String, String)>,
}

/// How a program ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) ok: bool,
    /// Everything it printed.
    pub(super) text: String,
}

impl Ended {
    #[track_caller]
    pub(super) fn fine(self) -> String {
        assert!(self.ok, "{}", self.text);
        self.text
    }

    #[track_caller]
    pub(super) fn failed_with(self, text: &str) {
        assert!(!self.ok && self.text.contains(text), "{self:?}");
    }
}

impl Array {
    pub(super) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disks = folder.path().join("luns");
        let options = SimOptions::new(XmsVersion::V42).with_luns(disks);
        let xms = TestXms::start_with(options).await;
        let list = xms.get("v2/types/iscsi-portals?full=1").await;
        let portal = |portal: &Value| {
            let ip = portal["ip-addr"].as_str().unwrap();
            Portal {
                address: format!("{}:{}", ip.split('/').next().unwrap(), portal["ip-port"]),
                iqn: portal["port-address"].as_str().unwrap().to_owned(),
            }
        };
        let portals = list["iscsi-portals"].as_array().unwrap();
        Self {
            portals: portals.iter().map(portal).collect(),
            xms,
            folder,
        }
    }

    /// With a host `a` and volume `v` of 64 MiB, mapped to it as LUN 1.
    pub(super) async fn with_volume() -> (Self, Host) {
        let array = Self::start().await;
        let host = array.host("a").await;
        array.volume("v").await;
        array.map("v", "a", 1).await;
        (array, host)
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A volume of 64 MiB.
    pub(super) async fn volume(&self, name: &str) {
        let body = json!({"vol-name": name, "vol-size": "64m"});
        self.xms.post("v2/types/volumes", body).await;
    }

    /// An initiator in a group of its own, which has the given name.
    pub(super) async fn host(&self, group: &str) -> Host {
        let host = self.stranger(group);
        let body = json!({"ig-name": group});
        self.xms.post("v2/types/initiator-groups", body).await;
        let body = json!({"initiator-name": host.iqn, "port-address": host.iqn, "ig-id": group});
        self.xms.post("v2/types/initiators", body).await;
        host
    }

    /// A host that the array does not know.
    pub(super) fn stranger(&self, name: &str) -> Host {
        Host {
            iqn: format!("iqn.1993-08.org.debian:01:{name}"),
            portal: self.portals[0].clone(),
            chap: None,
        }
    }

    pub(super) async fn map(&self, volume: &str, group: &str, lun: u64) -> u64 {
        let body = json!({"vol-id": volume, "ig-id": group, "lun": lun});
        self.xms.post("v2/types/lun-maps", body).await[0]
    }

    pub(super) async fn luns(&self) -> Value {
        let answer = self.xms.admin("GET", "/luns", json!(null)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    /// The file with a volume's bytes.
    pub(super) async fn file(&self, volume: &str) -> PathBuf {
        let luns = self.luns().await;
        let file = luns["files"]["xbrick1"][volume].as_str();
        let file = PathBuf::from(file.unwrap_or_else(|| panic!("{luns}")));
        assert_eq!(self.xms.sim.disk_file(volume).as_ref(), Some(&file));
        file
    }

    pub(super) async fn disturb(&self, how: Value) {
        let answer = self.xms.admin("POST", "/luns/portals", how).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

impl Host {
    /// The same host at another portal.
    pub(super) fn at(&self, portal: &Portal) -> Self {
        Self {
            portal: portal.clone(),
            ..self.clone()
        }
    }

    pub(super) fn with_chap(&self, user: &str, secret: &str) -> Self {
        Self {
            chap: Some((user.into(), secret.into())),
            ..self.clone()
        }
    }

    /// A LUN for qemu's programs; the number as they want it.
    fn image(&self, lun: u64) -> String {
        let Portal { address, iqn } = &self.portal;
        let host = &self.iqn;
        let chap = match &self.chap {
            Some((user, _)) => format!(",user={user},password-secret=s"),
            None => String::new(),
        };
        format!(
            "driver=iscsi,transport=tcp,portal={address},target={iqn},lun={lun},\
             initiator-name={host}{chap}"
        )
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env("LC_ALL", "C")
            .kill_on_drop(true);
        if let Some((_, secret)) = &self.chap {
            command.args(["--object", &format!("secret,id=s,data={secret}")]);
        }
        command
    }

    /// qemu-io with these commands.
    pub(super) async fn io(&self, lun: u64, commands: &[&str]) -> Ended {
        let mut command = self.command("qemu-io", &[]);
        for one in commands {
            command.args(["-c", one]);
        }
        end(command.args(["--image-opts", &self.image(lun)])).await
    }

    /// qemu-io that reads commands from its standard input.
    pub(super) fn shell(&self, lun: u64) -> Command {
        let mut command = self.command("qemu-io", &["--image-opts", &self.image(lun)]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(Stdio::null());
        command
    }

    /// The size of a disk, bytes.
    pub(super) async fn size(&self, lun: u64) -> Result<u64, Ended> {
        let arguments = ["info", "--output=json", "--image-opts", &self.image(lun)];
        let mut command = self.command("qemu-img", &arguments[..1]);
        let ended = end(command.args(&arguments[1..])).await;
        if !ended.ok {
            return Err(ended);
        }
        let info: Value = serde_json::from_str(&ended.text).unwrap();
        Ok(info["virtual-size"].as_u64().unwrap())
    }

    /// Copies a raw file to a disk.
    pub(super) async fn upload(&self, file: &Path, lun: u64) -> Ended {
        let mut command = self.command("qemu-img", &["convert"]);
        command.args(["-n", "-W", "-m", "16", "-f", "raw", "--target-image-opts"]);
        end(command.arg(file).arg(self.image(lun))).await
    }

    /// Copies a disk to a raw file.
    pub(super) async fn download(&self, lun: u64, file: &Path) -> Ended {
        let mut command = self.command("qemu-img", &["convert"]);
        command.args(["-O", "raw", "--image-opts", &self.image(lun)]);
        end(command.arg(file)).await
    }
}

async fn end(command: &mut Command) -> Ended {
    let output = command.stdin(Stdio::null()).output().await;
    let output = output.expect("qemu-utils with qemu-block-extra is not installed: make test");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended {
        ok: output.status.success(),
        text: text(&output.stdout) + &text(&output.stderr),
    }
}
