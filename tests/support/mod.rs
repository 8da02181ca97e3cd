//! What tests share: services found by environment variables, builders, relays.

pub mod broker;
pub mod messaging;
pub mod relay;
