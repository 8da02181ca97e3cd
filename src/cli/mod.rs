//! Subcommands: thin, no rules of their own.

pub mod args;
