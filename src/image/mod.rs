//! Image bytes: what an image file is, how it is converted, and how its bytes reach a LUN.

pub mod inspect;
mod path;

pub use path::{Attachment, Chap, DataPath, IscsiLun, PathError, Place};
