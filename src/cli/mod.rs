//! Subcommands: thin, no rules of their own.
