//! Tests of `xms`.
