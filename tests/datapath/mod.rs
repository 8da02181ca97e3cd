//! The kernel data path on a machine that is played: what it does to a host, compared with what
//! os-brick did to a real one.

mod fake;
mod kernel;
mod traces;
