//! Tests of `support`.

#[allow(dead_code, reason = "not every folder of tests uses all of it")]
pub(crate) mod xms;
