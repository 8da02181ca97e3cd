//! Tests of `bus`.
