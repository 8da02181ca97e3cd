//! Deliveries that come twice, late, or after a death: the end is the same as of one delivery.

mod again;
mod attaching;
mod backups;
mod calls;
mod case;
mod drain;
mod expired;
mod images;
mod journal;
mod kills;
mod lost;
mod repeats;
mod volumes;
