//! Real disks behind the simulated array, used by qemu's own iSCSI initiator through the
//! published portals.

mod array;
mod chap;
mod copies;
mod data;
mod discovery;
mod disturbances;
mod hosts;
mod process;
mod wire;
