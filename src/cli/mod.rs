//! Subcommands: thin, no rules of their own.

pub mod args;
pub mod call;
pub mod check_config;
pub mod data_path;
pub mod demo;
pub mod drain;
pub mod ops;
pub mod serve;
pub mod simulate_xms;

use std::io::Write;

/// One paragraph on standard output. A closed pipe is nobody's fault.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// One paragraph on standard error.
pub fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
