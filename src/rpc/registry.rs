//! The list of methods, and the way from an opened message to a typed command.

use serde_json::{Map, Value};

use super::commands::{self, Kind, Method, Param, Resource};
use super::dispatch::{self, Endpoint};
use super::failure::Failure;
use super::message::Message;
use super::object;
use super::version::Version;

/// Method of oslo.messaging's own ping endpoint, answered with `"pong"`.
pub const PING: &str = "oslo_rpc_server_ping";
/// Characters of what a decoder complains about that are told.
const MOST_OF_A_REASON: usize = 200;
const PING_VERSION: Version = Version::new(1, 0);

/// What is known of a method without its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MethodInfo {
    /// Name on the wire.
    pub name: &'static str,
    /// API version that brought it.
    pub since: Version,
    /// API version that current clients stamp on it.
    pub sent: Version,
    /// How it is sent.
    pub kind: Kind,
    /// Its arguments.
    pub params: &'static [Param],
}

macro_rules! commands {
    ($($name:ident,)*) => {
        /// A request with its arguments decoded.
        #[derive(Debug, Clone, PartialEq)]
        #[allow(missing_docs)] // each variant is documented at the type it holds
        pub enum Command {
            $( $name(Box<commands::$name>), )*
            /// oslo.messaging's ping.
            Ping,
        }

        /// Every method of the volume API.
        pub const METHODS: &[MethodInfo] = &[
            $( MethodInfo {
                name: commands::$name::NAME,
                since: commands::$name::SINCE,
                sent: commands::$name::SENT,
                kind: commands::$name::KIND,
                params: commands::$name::PARAMS,
            }, )*
        ];

        impl Command {
            /// Name of the method.
            pub fn method(&self) -> &'static str {
                match self {
                    $( Self::$name(_) => commands::$name::NAME, )*
                    Self::Ping => PING,
                }
            }

            /// What the command works on; the resource that is locked comes first.
            pub fn resources(&self) -> Vec<Resource<'_>> {
                match self {
                    $( Self::$name(args) => args.resources(), )*
                    Self::Ping => vec![Resource::Host],
                }
            }

            /// The arguments as they go over the wire.
            pub fn args(&self) -> Value {
                let args = match self {
                    $( Self::$name(args) => serde_json::to_value(args), )*
                    Self::Ping => Ok(Value::Object(Map::new())),
                };
                // Argument types have string keys only, so that this cannot fail.
                args.unwrap_or_default()
            }

            fn decode(method: &str, args: Map<String, Value>) -> Result<Self, Failure> {
                let args = Value::Object(args);
                match method {
                    $( commands::$name::NAME => serde_path_to_error::deserialize(args)
                        .map(|args| Self::$name(Box::new(args)))
                        .map_err(|error| unfit(method, &error)), )*
                    _ => Err(Failure::no_such_method(method)),
                }
            }
        }

        /// Schemas of the arguments of every method, by method name.
        pub fn argument_schemas() -> Vec<(&'static str, schemars::Schema)> {
            vec![$( (commands::$name::NAME, schemars::schema_for!(commands::$name)), )*]
        }

        /// Schemas of the replies of every method, by method name.
        pub fn reply_schemas() -> Vec<(&'static str, schemars::Schema)> {
            vec![$( (
                commands::$name::NAME,
                schemars::schema_for!(<commands::$name as Method>::Reply),
            ), )*]
        }
    };
}

commands! {
    CreateVolume,
    DeleteVolume,
    CreateSnapshot,
    DeleteSnapshot,
    RevertToSnapshot,
    AttachVolume,
    DetachVolume,
    InitializeConnection,
    TerminateConnection,
    RemoveExport,
    AttachmentUpdate,
    AttachmentDelete,
    InitializeConnectionSnapshot,
    TerminateConnectionSnapshot,
    RemoveExportSnapshot,
    ExtendVolume,
    ExtendVolumeCompletion,
    CopyVolumeToImage,
    Retype,
    MigrateVolume,
    MigrateVolumeCompletion,
    UpdateMigratedVolume,
    ManageExisting,
    ManageExistingSnapshot,
    GetManageableVolumes,
    GetManageableSnapshots,
    GetCapabilities,
    GetBackupDevice,
    SecureFileOperationsEnabled,
    AcceptTransfer,
    CreateGroup,
    DeleteGroup,
    UpdateGroup,
    CreateGroupFromSrc,
    CreateGroupSnapshot,
    DeleteGroupSnapshot,
    EnableReplication,
    DisableReplication,
    FailoverReplication,
    ListReplicationTargets,
    FreezeHost,
    ThawHost,
    Failover,
    FailoverHost,
    FailoverCompleted,
    DoCleanup,
    PublishServiceCapabilities,
    SetLogLevels,
    GetLogLevels,
    Reimage,
}

/// The method of that name.
pub fn method_info(name: &str) -> Option<&'static MethodInfo> {
    METHODS.iter().find(|info| info.name == name)
}

/// An argument of a type the method cannot work with. Its value is left out: it may be huge, or
/// a secret of a connector.
fn unfit(method: &str, error: &serde_path_to_error::Error<serde_json::Error>) -> Failure {
    let text = error.inner().to_string();
    let expected = match text.rsplit_once("expected ") {
        Some((_, expected)) => format!("must be {expected}"),
        None => text,
    };
    let expected: String = expected.chars().take(MOST_OF_A_REASON).collect();
    Failure::type_error(format!(
        "VolumeManager.{method}() argument '{}': {expected}",
        error.path()
    ))
}

/// The methods served, at one version of the API.
#[derive(Debug, Clone, Copy)]
pub struct Registry {
    version: Version,
    ping: bool,
}

impl Registry {
    /// Serves the volume API as a release of `version` (3.18 to 3.20) does; `ping` is
    /// `rpc_ping_enabled`.
    pub fn new(version: Version, ping: bool) -> Self {
        Self { version, ping }
    }

    /// The API version served.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Finds the method, checks the argument names and decodes the arguments.
    ///
    /// # Errors
    ///
    /// The failure to answer a call with; a cast that fails so is logged and acknowledged.
    pub fn dispatch(&self, message: &Message) -> Result<Command, Failure> {
        let serves = |method: &str| self.find(method).is_some();
        let pings = |method: &str| method == PING;
        let volume = Endpoint {
            namespace: None,
            version: self.version,
            has: &serves,
        };
        let ping = Endpoint {
            namespace: None,
            version: PING_VERSION,
            has: &pings,
        };
        let endpoints: &[Endpoint<'_>] = if self.ping {
            &[volume, ping]
        } else {
            &[volume]
        };
        let method = dispatch::route(message, endpoints)?;
        let args = dispatch::arguments(message)?;
        match self.find(method) {
            Some(info) => {
                self.check_signature(info, &args)?;
                Command::decode(method, args)
            }
            None => Ok(Command::Ping),
        }
    }

    fn find(&self, method: &str) -> Option<&'static MethodInfo> {
        method_info(method).filter(|info| info.since <= self.version)
    }

    /// Refuses argument names as the Python call of the method would.
    fn check_signature(&self, info: &MethodInfo, args: &Map<String, Value>) -> Result<(), Failure> {
        let method = info.name;
        let known = |name: &str| {
            let param = info.params.iter().find(|param| param.name == name);
            param.is_some_and(|param| param.since <= self.version)
        };
        if let Some(name) = args.keys().find(|name| !known(name)) {
            return Err(Failure::type_error(format!(
                "VolumeManager.{method}() got an unexpected keyword argument '{name}'"
            )));
        }
        let missing: Vec<String> = info
            .params
            .iter()
            .filter(|param| param.required && !args.contains_key(param.name))
            .map(|param| format!("'{}'", param.name))
            .collect();
        let names = match missing.as_slice() {
            [] => return Ok(()),
            [one] => one.clone(),
            [first, last] => format!("{first} and {last}"),
            [rest @ .., last] => format!("{}, and {last}", rest.join(", ")),
        };
        let count = missing.len();
        let plural = if count == 1 { "" } else { "s" };
        Err(Failure::type_error(format!(
            "VolumeManager.{method}() missing {count} required positional argument{plural}: {names}"
        )))
    }
}

impl Default for Registry {
    /// The newest API, without ping.
    fn default() -> Self {
        Self::new(Version::new(3, 20), false)
    }
}

/// Every object in the arguments checked, as the server's serializer does before the call.
pub(super) fn check_objects(args: Map<String, Value>) -> Result<Map<String, Value>, Failure> {
    args.into_iter()
        .map(|(name, value)| Ok((name, object::check_all(value)?)))
        .collect()
}
