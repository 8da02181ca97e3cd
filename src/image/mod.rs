//! Image bytes: what an image file is, and how its bytes reach a LUN.

pub mod inspect;
