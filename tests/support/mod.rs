//! What tests share: services found by environment variables, builders, relays.
#![allow(dead_code, reason = "not every folder of tests uses all of it")]

pub(crate) mod broker;
pub(crate) mod database;
pub(crate) mod messaging;
pub(crate) mod relay;
pub(crate) mod xms;
