//! The program as a process: start, signals, strangers, bad messages, an array that is away.

mod malformed;
mod ops;
mod ops_metrics;
mod outages;
mod service_row;
mod start;
mod stopping;
mod strangers;
