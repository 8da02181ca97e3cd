//! `check-config`: loads the configuration and prints what is set where.

use std::process::ExitCode;

use super::args::OsloArgs;
use super::serve;

/// Prints the options with their origins, secrets masked; status 64 on faults.
pub fn run(args: &OsloArgs) -> ExitCode {
    match serve::load(args) {
        Ok(loaded) => {
            super::say(&loaded.describe().to_string());
            for warning in &loaded.warnings {
                super::complain(&format!("warning: {warning}"));
            }
            ExitCode::SUCCESS
        }
        Err(status) => status,
    }
}
