//! What the demo starts: a folder, an array, the service; and how it goes again.

use std::future::Future;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;
use uuid::Uuid;

use super::{BACKENDS, HOST, PATIENCE, show};
use crate::sim::{Sim, SimHandle, SimOptions, XmsVersion};

/// The driver class that each backend section names, as in a cinder.conf of today.
const CLASSES: [&str; 2] = ["XtremIOISCSIDriver", "XtremIOFCDriver"];
/// How long a stopping service may take when the demo has failed.
const LAST_WAIT: Duration = Duration::from_secs(10);

/// All that was started.
pub(super) struct Stage {
    folder: Option<PathBuf>,
    sim: Option<SimHandle>,
    worker: Option<Worker>,
    log: watch::Receiver<Vec<String>>,
}

struct Worker {
    child: Child,
    pid: Pid,
}

impl Stage {
    /// Nothing started yet.
    pub(super) fn new() -> Self {
        Self {
            folder: None,
            sim: None,
            worker: None,
            log: watch::channel(Vec::new()).1,
        }
    }

    /// Makes the folder and the array, and writes the configuration.
    pub(super) async fn set(&mut self) -> anyhow::Result<()> {
        let amqp = std::env::var("CVX_AMQP")
            .context("CVX_AMQP does not name a RabbitMQ; `make demo` starts one")?;
        let rest = amqp
            .strip_prefix("amqp://")
            .context("CVX_AMQP is not amqp://USER:PASSWORD@HOST:PORT")?;
        crate::xms::install_crypto_provider();
        let name = format!("cinder-volume-xtremio-demo-{}", Uuid::new_v4().simple());
        let folder = std::env::temp_dir().join(name);
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        self.folder = Some(folder.clone());
        show::note(&format!("made     {} (goes at the end)", folder.display()));

        let password = Uuid::new_v4().simple().to_string();
        let options = SimOptions {
            password: password.clone().into(),
            ..SimOptions::new(XmsVersion::V42)
        };
        let cluster = options.clusters.first().cloned().unwrap_or_default();
        let sim = Sim::start(options).await?;
        show::note(&format!(
            "started  an XMS 4.2 simulator at {}, cluster {cluster}",
            sim.url
        ));
        let ca = folder.join("xms-ca.pem");
        std::fs::write(&ca, &sim.ca_pem).context("cannot write the array's certificate")?;

        let names = BACKENDS.map(|(name, _)| name).join(",");
        let mut conf = format!(
            "[DEFAULT]\nenabled_backends = {names}\nhost = {HOST}\nstate_path = {state}\n\
             transport_url = rabbit://{rest}/\n\n[backend_defaults]\nsan_ip = 127.0.0.1:{port}\n\
             san_login = admin\nsan_password = {password}\nxtremio_cluster_name = {cluster}\n\
             driver_ssl_cert_verify = true\ndriver_ssl_cert_path = {ca}\n\
             xtremio_clean_unused_ig = true\n",
            rest = rest.trim_end_matches('/'),
            state = folder.display(),
            port = sim.port,
            ca = ca.display(),
        );
        self.sim = Some(sim);
        for ((name, _), class) in BACKENDS.iter().zip(CLASSES) {
            conf.push_str(&format!(
                "\n[{name}]\nvolume_driver = cinder.volume.drivers.dell_emc.xtremio.{class}\n\
                 volume_backend_name = {name}\n"
            ));
        }
        let path = self.config_file()?;
        std::fs::write(&path, conf).context("cannot write the configuration")?;
        show::note(&format!("wrote    {}", path.display()));
        Ok(())
    }

    /// The configuration file.
    pub(super) fn config_file(&self) -> anyhow::Result<PathBuf> {
        Ok(self.folder()?.join("cinder.conf"))
    }

    /// The folder of this run.
    pub(super) fn folder(&self) -> anyhow::Result<&Path> {
        self.folder.as_deref().context("the stage is not set")
    }

    /// Starts the service as a process of its own.
    pub(super) async fn start_worker(&mut self) -> anyhow::Result<()> {
        let program = std::env::current_exe().context("cannot find this program")?;
        let mut command = Command::new(&program);
        command
            .args(["serve", "--standalone", "--config-file"])
            .arg(self.config_file()?)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        // options in the environment would win over the file
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("OS_") {
                command.env_remove(name);
            }
        }
        let mut child = command.spawn().context("cannot start the service")?;
        let pid = child.id().context("the service has no process id")?;
        let stderr = child.stderr.take().context("the service has no output")?;
        self.worker = Some(Worker {
            child,
            pid: Pid::from_raw(i32::try_from(pid)?),
        });
        let (log, receiver) = watch::channel(Vec::new());
        self.log = receiver;
        tokio::spawn(async move {
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                log.send_modify(|all| all.push(line));
            }
        });
        show::note(&format!(
            "started  process {pid}: cinder-volume-xtremio serve --standalone --config-file {}",
            self.config_file()?.display()
        ));
        Ok(())
    }

    /// Waits for something the service does; its end, or too long a wait, is an error.
    pub(super) async fn alive<T>(
        &self,
        wanted: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        let mut log = self.log.clone();
        tokio::select! {
            outcome = timeout(PATIENCE, wanted) => {
                outcome.with_context(|| format!("not within {} s", PATIENCE.as_secs()))?
            }
            _ = log.wait_for(|_| false) => bail!("the service has ended by itself"),
        }
    }

    /// The first line of the service's log that holds this text.
    pub(super) async fn log_line(&self, text: &str) -> anyhow::Result<String> {
        let mut log = self.log.clone();
        let find = |lines: &Vec<String>| lines.iter().find(|line| line.contains(text)).cloned();
        let waiting = log.wait_for(|lines| find(lines).is_some());
        let lines = timeout(PATIENCE, waiting)
            .await
            .with_context(|| format!("the log never said {text:?}"))?
            .context("the service has ended by itself")?;
        find(&lines).context("the log has shrunk")
    }

    /// The last lines of the service's log.
    pub(super) fn last_log_lines(&self, count: usize) -> Vec<String> {
        let lines = self.log.borrow();
        lines[lines.len().saturating_sub(count)..].to_vec()
    }

    /// The volumes on the array.
    pub(super) fn array(&self) -> anyhow::Result<Vec<OnArray>> {
        let state = self.state()?;
        list(&state, "volumes").iter().map(OnArray::read).collect()
    }

    /// One volume or snapshot on the array; names there are ids.
    pub(super) fn on_array(&self, name: &str) -> anyhow::Result<Option<OnArray>> {
        let mut volumes = self.array()?.into_iter();
        Ok(volumes.find(|found| found.name == name))
    }

    /// How many objects clients have left on the array, of every kind.
    pub(super) fn objects(&self) -> anyhow::Result<usize> {
        let state = self.state()?;
        let cluster = state["clusters"][0].as_object().context("no cluster")?;
        let kinds = cluster.values().filter_map(Value::as_array);
        Ok(kinds.map(Vec::len).sum())
    }

    fn state(&self) -> anyhow::Result<Value> {
        let sim = self.sim.as_ref().context("the stage is not set")?;
        Ok(sim.state())
    }

    /// Ends the service as an operator does: SIGTERM, then exit status 0.
    pub(super) async fn stop_worker(&mut self) -> anyhow::Result<()> {
        let mut worker = self.worker.take().context("the service does not run")?;
        let began = Instant::now();
        kill(worker.pid, Signal::SIGTERM).context("cannot send SIGTERM")?;
        let status = timeout(PATIENCE, worker.child.wait())
            .await
            .context("the service does not end")??;
        show::note(&format!(
            "SIGTERM to process {}: {status} after {:.1} s",
            worker.pid,
            began.elapsed().as_secs_f64()
        ));
        ensure!(status.success(), "the service ended with {status}");
        Ok(())
    }

    /// Clears away whatever is still there.
    pub(super) async fn clear(&mut self) {
        if let Some(mut worker) = self.worker.take() {
            let sent = kill(worker.pid, Signal::SIGTERM).is_ok();
            if !sent || timeout(LAST_WAIT, worker.child.wait()).await.is_err() {
                // an error means that it has ended
                let _ = worker.child.kill().await;
            }
            show::note(&format!("stopped  process {}", worker.pid));
        }
        if let Some(sim) = self.sim.take() {
            sim.shutdown().await;
            show::note("stopped  the simulator");
        }
        if let Some(folder) = self.folder.take() {
            match std::fs::remove_dir_all(&folder) {
                Ok(()) => show::note(&format!("removed  {}", folder.display())),
                Err(error) => show::note(&format!("cannot remove {}: {error}", folder.display())),
            }
        }
    }
}

/// A volume or snapshot on the array.
pub(super) struct OnArray {
    pub name: String,
    pub gib: u64,
    /// What it is a copy of.
    pub made_from: Option<String>,
    /// Hosts can only read it.
    pub read_only: bool,
    /// To which initiator groups it is mapped, and as which LUN.
    pub maps: Vec<(String, u64)>,
}

impl OnArray {
    /// Reads it from what the XMS would show of it, where sizes are text in KiB and references
    /// `[guid, name, index]`.
    fn read(volume: &Value) -> anyhow::Result<Self> {
        let name = volume["name"].as_str().context("a volume without a name")?;
        let size = volume["vol-size"]
            .as_str()
            .context("a volume without a size")?;
        let maps = volume["lun-mapping-list"].as_array();
        let map = |map: &Value| {
            let group = map[0][1].as_str().context("a mapping without a group")?;
            let lun = map[2].as_u64().context("a mapping without a LUN")?;
            Ok((group.to_owned(), lun))
        };
        Ok(Self {
            name: name.to_owned(),
            gib: size.parse::<u64>()? >> 20,
            made_from: volume["ancestor-vol-id"][1].as_str().map(str::to_owned),
            read_only: volume["vol-access"] == "read_access",
            maps: maps
                .into_iter()
                .flatten()
                .map(map)
                .collect::<anyhow::Result<_>>()?,
        })
    }
}

/// The objects of one kind on the first cluster.
fn list<'a>(state: &'a Value, kind: &str) -> &'a [Value] {
    state["clusters"][0][kind]
        .as_array()
        .map_or(&[], Vec::as_slice)
}
