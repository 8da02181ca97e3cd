//! Image bytes: what an image file is, how it is converted, and how its bytes reach a LUN.

mod check;
mod copier;
mod error;
mod gzip;
pub mod inspect;
mod lun;
mod path;
mod progress;
mod qemu;
mod reading;
mod userspace;
mod work_dir;

pub use check::ImageFacts;
pub use copier::{Copier, Prepared};
pub use error::ImageError;
pub use path::{Attachment, Chap, DataPath, IscsiLun, PathError, Place};
pub use progress::{Progress, Reached, Step};
pub use qemu::{Info, Qemu, Specific};
pub use reading::Reading;
pub use userspace::Userspace;
pub use work_dir::{Purpose, WorkDir, WorkFile};
