//! Subcommands: thin, no rules of their own.

pub mod args;
pub mod call;
pub mod serve;
pub mod simulate_xms;
