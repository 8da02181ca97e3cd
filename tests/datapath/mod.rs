//! The ways to a LUN.
