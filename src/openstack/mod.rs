//! Calls to other services of the cloud: keystone for a token and the addresses, Nova for the
//! instances that hold a volume.

mod error;
mod keystone;
mod nova;

pub use error::OpenStackError;
pub use keystone::{Keystone, Token};
pub use nova::Nova;
