//! Builds the rooms and owns start, readiness, drain and stop order.

pub mod logging;
