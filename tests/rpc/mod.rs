//! Tests of `rpc`: what a real Cinder sends is read, what we write equals what it writes.

mod captures;
mod data;
mod dispatching;
mod emitted;
mod malformed;
mod python;
mod schemas;
mod vectors;
