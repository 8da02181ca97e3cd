//! Tests of `db`.
