//! `serve`: load, log, run.

use std::process::ExitCode;

use tracing::{error, info};

use super::args::OsloArgs;
use crate::app::{self, Serve, logging};
use crate::config::{self, Loaded};

/// Exit status for a configuration that cannot be used (`EX_CONFIG` has 78; oslo's and the
/// field's habit for bad usage is 64).
pub const BAD_CONFIG: u8 = 64;

/// Loads the configuration; prints all faults and gives the exit status if there are any.
///
/// # Errors
///
/// The exit status.
pub fn load(args: &OsloArgs) -> Result<Loaded, ExitCode> {
    let env = |name: &str| std::env::var(name).ok();
    config::load(&args.load_args(), &env).map_err(|error| {
        super::complain(&error.to_string());
        ExitCode::from(BAD_CONFIG)
    })
}

/// Runs the service until it is told to stop.
pub async fn run(args: OsloArgs) -> ExitCode {
    let loaded = match load(&args) {
        Ok(loaded) => loaded,
        Err(status) => return status,
    };
    let log = match logging::init(&loaded.config.logging) {
        Ok(log) => log,
        Err(error) => {
            super::complain(&error.to_string());
            return ExitCode::from(BAD_CONFIG);
        }
    };
    info!(
        version = env!("CARGO_PKG_VERSION"),
        "cinder-volume-xtremio starts"
    );
    app::log_warnings(&loaded.warnings);
    let again = args.clone();
    let reload = move || {
        let env = |name: &str| std::env::var(name).ok();
        let done = match config::reload_mutable(&again.load_args(), &env) {
            Ok(options) => log.apply(&options).and_then(|()| log.reopen()),
            Err(faults) => {
                error!(%faults, "configuration not read again");
                Ok(())
            }
        };
        if let Err(error) = done {
            error!(%error, "log levels not changed");
        }
    };
    let serving = app::serve(Serve {
        config: &loaded.config,
        standalone: args.standalone,
        reload: Box::new(reload),
    });
    match serving.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!(%error, "cinder-volume-xtremio ends");
            ExitCode::FAILURE
        }
    }
}
