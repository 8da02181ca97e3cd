//! Tests of `support`.
pub mod database;
