//! What tests share: services found by environment variables, builders, relays.

pub mod messaging;
