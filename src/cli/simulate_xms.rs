//! `simulate-xms`: the XMS simulator as a process of its own.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use secrecy::SecretString;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::args::{self, SimulateArgs};
use crate::sim::{ChapMode, PortalOptions, Sim, SimHandle, SimOptions, XmsVersion};

/// Arguments of `simulate-xms`.
#[derive(Debug, Clone)]
pub struct SimulateXms {
    /// Where to serve HTTPS; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where to serve the admin interface (plain HTTP).
    pub admin: SocketAddr,
    /// Release to play: 3.0, 4.0, 4.2 or 6.3.
    pub xms_version: XmsVersion,
    /// Cluster names.
    pub clusters: Vec<String>,
    /// User of HTTP Basic authentication.
    pub user: String,
    /// Its password.
    pub password: SecretString,
    /// Where the certificate of the simulator's authority is written, PEM.
    pub ca_out: PathBuf,
    /// Usable physical capacity of each cluster, GiB.
    pub capacity_gib: u64,
    /// Whether hosts must authenticate with CHAP, at login and at discovery.
    pub chap: bool,
    /// Folder of the disks; None: volumes are names only.
    pub luns: Option<PathBuf>,
    /// iSCSI portals of each cluster; none: the customary ones.
    pub portals: Vec<SocketAddr>,
}

/// Runs the subcommand.
pub async fn main(args: SimulateArgs) -> ExitCode {
    let run = async { run(prepare(args)?).await };
    match run.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            super::complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn prepare(args: SimulateArgs) -> anyhow::Result<SimulateXms> {
    let password = match &args.password_file {
        Some(path) => std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?
            .trim_end()
            .to_owned(),
        None => std::env::var("XMS_PASSWORD")
            .context("name a password with --password-file or XMS_PASSWORD")?,
    };
    let xms_version = match args.xms_version {
        args::XmsVersion::V3_0 => XmsVersion::V30,
        args::XmsVersion::V4_0 => XmsVersion::V40,
        args::XmsVersion::V4_2 => XmsVersion::V42,
        args::XmsVersion::V6_3 => XmsVersion::V63,
    };
    let defaults = SimOptions::new(xms_version);
    Ok(SimulateXms {
        listen: args.listen,
        admin: args.admin,
        xms_version,
        clusters: match args.cluster.is_empty() {
            true => defaults.clusters,
            false => args.cluster,
        },
        user: args.user,
        password: password.into(),
        ca_out: args.ca_out.unwrap_or_else(|| PathBuf::from("xms-ca.pem")),
        capacity_gib: args.capacity_gib.unwrap_or(defaults.capacity_gib),
        chap: args.chap == args::ChapMode::Initiator,
        luns: args.luns,
        portals: args.portal,
    })
}

/// Starts the simulator and writes the certificate file. The line of JSON that tells where it
/// serves: `{"url": ..., "admin": ..., "ca": ...}`.
///
/// # Errors
/// Addresses that cannot be bound, disks that cannot be served, a certificate file that cannot be written.
pub async fn start(args: SimulateXms) -> anyhow::Result<(SimHandle, String)> {
    let chap = match args.chap {
        true => ChapMode::Initiator,
        false => ChapMode::Disabled,
    };
    let mut defaults = SimOptions::new(args.xms_version);
    if let Some(folder) = args.luns {
        defaults = defaults.with_luns(folder);
    }
    if !args.portals.is_empty() {
        defaults.portals = PortalOptions::at(&args.portals);
    }
    let handle = Sim::start(SimOptions {
        listen: args.listen,
        admin: args.admin,
        clusters: args.clusters,
        user: args.user,
        password: args.password,
        capacity_gib: args.capacity_gib,
        chap_login: chap,
        chap_discovery: chap,
        ..defaults
    })
    .await
    .context("cannot start the XMS simulator")?;
    std::fs::write(&args.ca_out, &handle.ca_pem)
        .with_context(|| format!("cannot write {}", args.ca_out.display()))?;
    let ready = json!({"url": handle.url, "admin": handle.admin_url, "ca": args.ca_out});
    Ok((handle, ready.to_string()))
}

/// Serves until SIGTERM or SIGINT; prints the line of [`start`] when it is ready.
///
/// # Errors
/// As [`start`].
pub async fn run(args: SimulateXms) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    let (handle, ready) = start(args).await?;
    let mut out = std::io::stdout();
    writeln!(out, "{ready}").and_then(|()| out.flush())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    handle.shutdown().await;
    Ok(())
}
