//! All integration tests, one binary; folders mirror `src`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod app;
mod bus;
mod config;
mod datapath;
mod db;
mod delivery;
mod drivers;
mod image;
mod image_inspect;
mod journal;
mod layers;
mod manager;
mod openstack;
mod rpc;
mod sim;
mod support;
mod xms;
