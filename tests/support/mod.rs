//! What tests of several rooms share: a virtual host of their own, a line that can be cut.
#![allow(dead_code, reason = "not every room needs every helper")]

pub(crate) mod broker;
pub(crate) mod relay;
