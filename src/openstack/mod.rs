//! Calls to other services of the cloud: keystone for a token and the addresses, Nova for the
//! instances that hold a volume, Glance for images.

mod error;
mod glance;
mod keystone;
mod nova;

pub use error::OpenStackError;
pub use glance::{Caller, Glance, GlanceError, Image, Upload};
pub use keystone::{Keystone, Token};
pub use nova::Nova;
