//! From arguments, environment and files to a validated [`Config`], or to all faults.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::describe::Description;
use super::fault::ConfigError;
use super::option::Opt;
use super::reader::Reader;
use super::source;
use super::{
    Config, LoggingOptions, backend_section, coordination, database, glance, image, keystone,
    logging, messaging, notifications, service,
};

/// What the command line says about the configuration.
#[derive(Debug, Clone, Default)]
pub struct LoadArgs {
    /// `--config-file`, in order; a later one wins. One ending in `.toml` is TOML.
    pub config_files: Vec<PathBuf>,
    /// `--config-dir`, in order; their `*.conf`, sorted, win over `config_files`.
    pub config_dirs: Vec<PathBuf>,
    /// Options of `[DEFAULT]` given as flags (`debug`, `log_file`, ...): they win over all else.
    pub overrides: BTreeMap<String, String>,
    /// `--standalone`: without `[database] connection` a SQLite file under `state_path` is used.
    pub standalone: bool,
}

/// A usable configuration.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The options.
    pub config: Config,
    /// What an operator should know, one sentence each: old names, foreign sections, ...
    pub warnings: Vec<String>,
    description: Description,
}

impl Loaded {
    /// What was set where; secrets are `***`.
    pub fn describe(&self) -> &Description {
        &self.description
    }
}

/// Reads everything. `env` gives one environment variable; tests pass a map.
///
/// # Errors
/// All faults of all files and sections together.
pub fn load(args: &LoadArgs, env: &dyn Fn(&str) -> Option<String>) -> Result<Loaded, ConfigError> {
    let mut faults = Vec::new();
    let files = source::files(args, env, &mut faults);
    let tree = source::read(&files, &mut faults);
    let mut r = Reader::new(&tree, env, &args.overrides);
    r.faults = faults;
    if tree.has_section("default") {
        r.warn("[default] in lower case is not [DEFAULT]: its options are not read".to_owned());
    }

    let service = service::read(&mut r);
    let messaging = messaging::read(&mut r);
    let notifications = notifications::read(&mut r);
    let database = database::read(&mut r, args.standalone, &service.state_path);
    let coordination = coordination::read(&mut r, &service.state_path);
    let logging = logging::read(&mut r);
    let image = image::read(&mut r, &service.state_path);
    let nova = keystone::read(&mut r, "nova");
    let glance = glance::read(&mut r);
    let backends = backend_section::read(&mut r, &service);
    if args.overrides.contains_key("backend_host") {
        let opt = Opt::default("backend_host");
        let _recorded_for_the_description = r.text(&opt);
        r.warn(
            "--backend_host has no effect with enabled_backends: set backend_host in the sections"
                .to_owned(),
        );
    }

    let description = Description {
        files,
        settings: r.settings,
    };
    let (Some(messaging), Some(database), []) = (messaging, database, r.faults.as_slice()) else {
        return Err(ConfigError { faults: r.faults });
    };
    Ok(Loaded {
        config: Config {
            service,
            messaging,
            notifications,
            database,
            coordination,
            logging,
            image,
            nova,
            glance,
            backends,
        },
        warnings: r.warnings,
        description,
    })
}

/// Reads the logging options anew, for SIGHUP. Faults elsewhere in the files do not matter.
///
/// # Errors
/// Unreadable files and faults of the logging options; keep the old ones then.
pub fn reload_mutable(
    args: &LoadArgs,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<LoggingOptions, ConfigError> {
    let mut faults = Vec::new();
    let files = source::files(args, env, &mut faults);
    let tree = source::read(&files, &mut faults);
    let mut r = Reader::new(&tree, env, &args.overrides);
    r.faults = faults;
    let logging = logging::read(&mut r);
    if r.faults.is_empty() {
        Ok(logging)
    } else {
        Err(ConfigError { faults: r.faults })
    }
}
