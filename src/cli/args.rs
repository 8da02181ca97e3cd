//! The command line: `cinder-volume`'s own flags for serving, and our subcommands.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use serde_json::{Map, Value};

use crate::config::LoadArgs;

/// A cinder-volume host for Dell EMC XtremIO arrays. Without a subcommand it serves, and takes
/// the flags that cinder-volume takes.
#[derive(Debug, Parser)]
#[command(
    name = "cinder-volume-xtremio",
    version,
    args_conflicts_with_subcommands = true
)]
pub struct Cli {
    /// Flags of the default subcommand, `serve`.
    #[command(flatten)]
    pub serve: OsloArgs,
    /// The subcommand; none serves.
    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Cli {
    /// The subcommand to run, `serve` when none is named.
    pub fn into_command(self) -> Command {
        self.command.unwrap_or(Command::Serve(self.serve))
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the XtremIO backends of enabled_backends (the default)
    Serve(OsloArgs),
    /// Send one RPC call or cast to a volume host and print the reply
    Call(CallArgs),
    /// Run an XMS simulator
    SimulateXms(SimulateArgs),
    /// Load the configuration, print what is set where, exit with 64 on faults
    CheckConfig(OsloArgs),
    /// End the service on this machine once nothing that was begun is left open
    Drain(DrainArgs),
    /// Reach a mapped volume from this host, or give it up, by hand
    DataPath(DataPathArgs),
    /// Show what runs in the processes that serve here, and how far copies are
    Ops(OpsArgs),
    /// Show the service at work on a simulated array; CVX_AMQP names a RabbitMQ of one's own
    Demo,
    /// List the points at which tests can end the service, one a line (test builds only)
    #[cfg(debug_assertions)]
    #[command(hide = true)]
    KillPoints,
}

/// The flags that oslo.config, oslo.log and cinder-volume register.
#[derive(Debug, Clone, Default, Args)]
pub struct OsloArgs {
    /// Configuration file, repeatable, a later one wins; *.toml is read as TOML
    #[arg(long, value_name = "PATH")]
    pub config_file: Vec<PathBuf>,
    /// Directory of *.conf files, read sorted after the files, repeatable
    #[arg(long, value_name = "DIR")]
    pub config_dir: Vec<PathBuf>,
    /// Log at DEBUG instead of INFO
    #[arg(long, short = 'd', overrides_with_all = ["debug", "nodebug"])]
    pub debug: bool,
    /// The inverse of --debug
    #[arg(long, overrides_with_all = ["debug", "nodebug"])]
    pub nodebug: bool,
    /// Accepted for old unit files, has no effect
    #[arg(long, short = 'v', hide = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Accepted for old unit files, has no effect
    #[arg(long, hide = true, action = ArgAction::Count)]
    pub noverbose: u8,
    /// Log to this file
    #[arg(long, visible_alias = "logfile", value_name = "PATH")]
    pub log_file: Option<String>,
    /// Directory of a relative --log-file
    #[arg(long, visible_alias = "logdir", value_name = "DIR")]
    pub log_dir: Option<String>,
    /// A Python logging configuration: accepted with a warning, not read
    #[arg(long, aliases = ["log-config", "log_config"], value_name = "PATH")]
    pub log_config_append: Option<String>,
    /// Accepted, has no effect
    #[arg(long, value_name = "DATE_FORMAT")]
    pub log_date_format: Option<String>,
    /// Log to syslog
    #[arg(long, overrides_with_all = ["use_syslog", "nouse_syslog"])]
    pub use_syslog: bool,
    /// The inverse of --use-syslog
    #[arg(long, overrides_with_all = ["use_syslog", "nouse_syslog"])]
    pub nouse_syslog: bool,
    /// Syslog facility, e.g. LOG_LOCAL0
    #[arg(long, value_name = "FACILITY")]
    pub syslog_log_facility: Option<String>,
    /// Log to the journal (through standard error with priorities)
    #[arg(long, overrides_with_all = ["use_journal", "nouse_journal"])]
    pub use_journal: bool,
    /// The inverse of --use-journal
    #[arg(long, overrides_with_all = ["use_journal", "nouse_journal"])]
    pub nouse_journal: bool,
    /// Log JSON objects
    #[arg(long, overrides_with_all = ["use_json", "nouse_json"])]
    pub use_json: bool,
    /// The inverse of --use-json
    #[arg(long, overrides_with_all = ["use_json", "nouse_json"])]
    pub nouse_json: bool,
    /// Log to standard error, too
    #[arg(long, overrides_with_all = ["use_stderr", "nouse_stderr"])]
    pub use_stderr: bool,
    /// The inverse of --use-stderr
    #[arg(long, overrides_with_all = ["use_stderr", "nouse_stderr"])]
    pub nouse_stderr: bool,
    /// Accepted for old unit files, has no effect: the log file is reopened on SIGHUP
    #[arg(long, hide = true, action = ArgAction::Count)]
    pub watch_log_file: u8,
    /// Accepted for old unit files, has no effect
    #[arg(long, hide = true, action = ArgAction::Count)]
    pub nowatch_log_file: u8,
    /// Top directory of Cinder's state
    #[arg(long = "state_path", alias = "state-path", value_name = "DIR")]
    pub state_path: Option<String>,
    /// Accepted with a warning: Cinder itself ignores it beside enabled_backends
    #[arg(long = "backend_host", alias = "backend-host", hide = true)]
    pub backend_host: Option<String>,
    /// Run without Cinder's database, on a SQLite file under state_path
    #[arg(long)]
    pub standalone: bool,
}

impl OsloArgs {
    /// The same as the configuration wants it: flags become options of `[DEFAULT]`.
    pub fn load_args(&self) -> LoadArgs {
        let texts = [
            ("log_file", &self.log_file),
            ("log_dir", &self.log_dir),
            ("log_config_append", &self.log_config_append),
            ("syslog_log_facility", &self.syslog_log_facility),
            ("state_path", &self.state_path),
            ("backend_host", &self.backend_host),
        ];
        let switches = [
            ("debug", self.debug, self.nodebug),
            ("use_syslog", self.use_syslog, self.nouse_syslog),
            ("use_journal", self.use_journal, self.nouse_journal),
            ("use_json", self.use_json, self.nouse_json),
            ("use_stderr", self.use_stderr, self.nouse_stderr),
        ];
        let mut overrides = BTreeMap::new();
        for (name, text) in texts {
            if let Some(text) = text {
                overrides.insert(name.to_owned(), text.clone());
            }
        }
        for (name, on, off) in switches {
            if on || off {
                overrides.insert(name.to_owned(), on.to_string());
            }
        }
        LoadArgs {
            config_files: self.config_file.clone(),
            config_dirs: self.config_dir.clone(),
            overrides,
            standalone: self.standalone,
        }
    }
}

/// Arguments of `call`.
#[derive(Debug, Clone, Args)]
pub struct CallArgs {
    /// RPC method of the volume API, e.g. get_capabilities
    pub method: String,
    /// Arguments of the method as a JSON object
    #[arg(long, value_name = "ARGS", default_value = "{}", value_parser = json_object)]
    pub json: Map<String, Value>,
    /// Send without waiting for a reply
    #[arg(long)]
    pub cast: bool,
    /// Service host, e.g. ctl1@xtremio1; default the first XtremIO backend of the configuration
    #[arg(long)]
    pub host: Option<String>,
    /// Version of the volume API the message asks for
    #[arg(long = "version", value_name = "V", default_value = "3.0")]
    pub rpc_version: String,
    /// Seconds to wait for the reply; default rpc_response_timeout
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: Option<u64>,
    /// Request context as a JSON object; default an admin context
    #[arg(long, value_name = "JSON", value_parser = json_object)]
    pub context: Option<Map<String, Value>>,
    /// Where the broker is configured.
    #[command(flatten)]
    pub oslo: OsloArgs,
}

/// Arguments of `drain`.
#[derive(Debug, Clone, Args)]
pub struct DrainArgs {
    /// Seconds to wait for the end of what has begun
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub timeout: u64,
    /// The configuration of the service.
    #[command(flatten)]
    pub config: OsloArgs,
}

/// Steps of `data-path`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DataPathStep {
    /// Print what this host says of itself to an array
    Connector,
    /// Make the LUN reachable and print where it is
    Open,
    /// Make an open LUN show its new size and print it
    Extend,
    /// Give the LUN up
    Close,
}

/// Arguments of `data-path`.
#[derive(Debug, Clone, Args)]
pub struct DataPathArgs {
    /// What to do
    #[arg(value_enum)]
    pub step: DataPathStep,
    /// Result of initialize_connection (driver_volume_type, data) and size in bytes: a JSON
    /// object in a file, or - for standard input
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub json: String,
    /// Section of the backend; default the first XtremIO backend of the configuration
    #[arg(long, value_name = "SECTION")]
    pub backend: Option<String>,
    /// close: throw away what is in the way
    #[arg(long)]
    pub force: bool,
    /// The configuration of the service.
    #[command(flatten)]
    pub oslo: OsloArgs,
}

/// Arguments of `ops`.
#[derive(Debug, Clone, Args)]
pub struct OpsArgs {
    /// Look again every second until interrupted
    #[arg(long, short)]
    pub watch: bool,
    /// One JSON document a line for each process
    #[arg(long)]
    pub json: bool,
    /// The configuration of the service.
    #[command(flatten)]
    pub config: OsloArgs,
}

/// XMS versions that the simulator plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum XmsVersion {
    /// 3.0: REST v1.
    #[value(name = "3.0")]
    V3_0,
    /// 4.0: REST v2.
    #[value(name = "4.0")]
    V4_0,
    /// 4.2: REST v2.
    #[value(name = "4.2")]
    V4_2,
    /// 6.3: REST v3.
    #[value(name = "6.3")]
    V6_3,
}

/// CHAP mode of the simulated clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ChapMode {
    /// No CHAP.
    Disabled,
    /// Initiators must authenticate.
    Initiator,
}

/// Arguments of `simulate-xms`. The password comes from `--password-file` or `XMS_PASSWORD`.
#[derive(Debug, Clone, Args)]
pub struct SimulateArgs {
    /// Address of the XMS (HTTPS); port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Address of the admin port: state, statistics, faults
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    pub admin: SocketAddr,
    /// XMS version to play
    #[arg(long, value_enum, default_value = "4.2")]
    pub xms_version: XmsVersion,
    /// Cluster name, repeatable or comma separated; one cluster when none is given
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub cluster: Vec<String>,
    /// User name of the XMS
    #[arg(long, default_value = "admin")]
    pub user: String,
    /// File with the password; without it the environment variable XMS_PASSWORD
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Write the simulator's CA certificate here
    #[arg(long, value_name = "FILE")]
    pub ca_out: Option<PathBuf>,
    /// Physical capacity of each cluster, GiB
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub capacity_gib: Option<u64>,
    /// CHAP mode of the clusters
    #[arg(long, value_enum, default_value = "disabled")]
    pub chap: ChapMode,
    /// Serve volumes as real iSCSI disks whose files are in this folder (needs tgt)
    #[arg(long, value_name = "DIR")]
    pub luns: Option<PathBuf>,
    /// iSCSI portal to publish, repeatable or comma separated; with --luns it is served, port 0
    /// takes a free one, and two portals on loopback addresses are the default
    #[arg(long, value_name = "ADDR:PORT", value_delimiter = ',')]
    pub portal: Vec<SocketAddr>,
}

fn json_object(text: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(text).map_err(|error| format!("not a JSON object: {error}"))
}
