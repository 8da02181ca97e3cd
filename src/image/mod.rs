//! Image bytes: what an image file is, how it is converted, and how its bytes reach a LUN.

mod check;
mod choose;
mod command;
mod connector;
mod copier;
mod error;
mod gzip;
pub mod inspect;
mod kernel;
mod path;
mod portals;
mod progress;
mod qemu;
mod reading;
mod userspace;
mod work_dir;

pub use check::ImageFacts;
pub use choose::choose;
pub use command::{Call, LocalMachine, Machine, Output};
pub use copier::{Copier, Prepared};
pub use error::ImageError;
pub use kernel::Kernel;
pub use path::{Attachment, Chap, DataPath, IscsiLun, PathError, Place};
pub use progress::{Progress, Reached, Step};
pub use qemu::{Info, Qemu, Specific};
pub use reading::Reading;
pub use userspace::{Probe, Userspace};
pub use work_dir::{Purpose, WorkDir, WorkFile};
