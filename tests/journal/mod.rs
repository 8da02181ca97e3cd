//! Tests of `journal`, on real files.
