//! Tests of `support`.
pub(crate) mod database;
