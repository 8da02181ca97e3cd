//! What tests share: services found by environment variables, builders, relays.
#![allow(dead_code, reason = "not every folder of tests uses all of it")]

pub(crate) mod attachments;
pub(crate) mod backups;
pub(crate) mod bodies;
pub(crate) mod broker;
pub(crate) mod database;
pub(crate) mod disk_files;
pub(crate) mod glance;
pub(crate) mod hostile;
pub(crate) mod images;
pub(crate) mod lab;
pub(crate) mod messaging;
pub(crate) mod relay;
pub(crate) mod snapshots;
pub(crate) mod worker;
pub(crate) mod xms;
