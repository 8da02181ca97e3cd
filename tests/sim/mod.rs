//! The simulator keeps the array's rules, looked at with a plain HTTPS client and with
//! Cinder's own driver.

mod clusters;
mod command;
mod faults;
mod luns;
mod mappings;
mod python_driver;
mod snapshots;
mod volumes;
mod wire;
