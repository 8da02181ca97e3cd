//! A drop-in `cinder-volume` host for Dell EMC XtremIO arrays.
//!
//! The rooms, and the direction in which data flows through them, are described in the
//! README's room map; `tests/layers` enforces who may use whom.

pub mod app;
pub mod backend;
pub mod bus;
pub mod cli;
pub mod config;
pub mod db;
pub mod filelock;
pub mod image;
pub mod journal;
pub mod kill;
pub mod manager;
pub mod openstack;
pub mod report;
pub mod retry;
pub mod rpc;
pub mod sim;
pub mod xms;
