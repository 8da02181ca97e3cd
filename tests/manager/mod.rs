//! The rules of cinder-volume, seen from outside: a worker process on real services.

mod attach;
mod backups;
mod cascade;
mod clones;
mod create_delete;
mod extend;
mod failures;
mod images;
mod locks;
mod locks_worker;
mod refusals;
mod snapshots;
mod versions;
