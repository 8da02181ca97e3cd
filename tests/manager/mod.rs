//! The rules of cinder-volume, seen from outside: a worker process on real services.

mod create_delete;
mod failures;
mod locks;
mod locks_worker;
mod refusals;
