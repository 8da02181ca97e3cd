//! What an image file really is, and whether a converter may be let near it.
//!
//! Image files are hostile input: some formats can name other files of this machine, and a
//! converter that follows them copies those into a volume. So the format is found here, by own
//! code that reads a few bounded pieces of the file, before any other program opens it; the
//! converter is then told that format and guesses nothing. At least as strict as the inspectors of
//! oslo.utils 10.2 and Cinder 29: what either calls unsafe is refused here too, and what bears the
//! signature of a format but is malformed is refused instead of being taken for raw bytes.
//!
//! What is taken here is the same to the other programs, but for these, which are harmless:
//!
//! - Bootable ISOs have two formats to oslo.utils. They are the same bytes in both, and so taken.
//! - A VMDK with a footer is raw to Cinder's inspector (and so is never what it claims to be).
//! - qemu, left to guess, knows some formats that are raw here: Parallels, Bochs and compressed
//!   loops. None leads to another file, and qemu is told that they are raw.

mod descriptor;
mod mbr;
mod qcow2;
mod simple;
mod source;
mod vhdx;
mod vmdk;

use std::fmt;
use std::io::{Read, Seek};

use source::Source;

/// A format that is told from others by its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// Bytes of a disk, of no known structure.
    Raw,
    /// A disk with a partition table (MBR or GPT).
    Gpt,
    /// ISO 9660 or UDF.
    Iso,
    /// LUKS version 1.
    Luks,
    /// `qcow2`
    Qcow2,
    /// `qed`: never allowed.
    Qed,
    /// Dynamic VHD, `vpc` to qemu.
    Vhd,
    /// `vhdx`
    Vhdx,
    /// `vmdk` in one file.
    Vmdk,
    /// `vdi`
    Vdi,
}

impl Format {
    /// Name of the driver that qemu must be told; what is no disk format of its own is raw to it.
    pub fn qemu_driver(self) -> &'static str {
        match self {
            Self::Raw | Self::Gpt | Self::Iso | Self::Luks => "raw",
            Self::Qcow2 => "qcow2",
            Self::Qed => "qed",
            Self::Vhd => "vpc",
            Self::Vhdx => "vhdx",
            Self::Vmdk => "vmdk",
            Self::Vdi => "vdi",
        }
    }
}

/// As Glance calls it; `gpt` and `luks` as oslo.utils does.
impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Raw => "raw",
            Self::Gpt => "gpt",
            Self::Iso => "iso",
            Self::Luks => "luks",
            Self::Qcow2 => "qcow2",
            Self::Qed => "qed",
            Self::Vhd => "vhd",
            Self::Vhdx => "vhdx",
            Self::Vmdk => "vmdk",
            Self::Vdi => "vdi",
        })
    }
}

/// A file that was found safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inspected {
    /// What it is.
    pub format: Format,
    /// Size of the disk in it, bytes; of what is copied byte for byte, at least the size of the
    /// file.
    pub virtual_size: u64,
}

/// Why a file may not be used.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// It cannot be read.
    #[error("the image file cannot be read")]
    Io(#[from] std::io::Error),
    /// It is of a format that is not allowed, or has features that are not.
    #[error("{format} image failed the safety check: {}", reasons.join("; "))]
    Unsafe {
        /// What it is.
        format: Format,
        /// Every rule it breaks.
        reasons: Vec<String>,
    },
    /// It can be read as several formats, so that two programs may see two different disks.
    #[error("the image can be read as {}", formats.iter().map(Format::to_string).collect::<Vec<_>>().join(" and as "))]
    Ambiguous {
        /// All of them.
        formats: Vec<Format>,
    },
}

/// One format that the content matches.
#[derive(Debug)]
struct Match {
    format: Format,
    virtual_size: u64,
    /// Rules it breaks.
    reasons: Vec<String>,
}

impl Match {
    fn safe(format: Format, virtual_size: u64) -> Self {
        Self {
            format,
            virtual_size,
            reasons: Vec::new(),
        }
    }

    fn broken(format: Format, reason: impl Into<String>) -> Self {
        Self {
            format,
            virtual_size: 0,
            reasons: vec![reason.into()],
        }
    }

    /// Notes a broken rule.
    fn refuse_if(mut self, broken: bool, reason: &str) -> Self {
        if broken {
            self.reasons.push(reason.to_owned());
        }
        self
    }
}

/// Reads what tells the format, at most some 1.2 MB of it whatever the file says of itself.
///
/// # Errors
/// [`InspectError`]; the file must not be used then.
pub fn inspect<R: Read + Seek>(file: R) -> Result<Inspected, InspectError> {
    let mut source = Source::new(file)?;
    let mut found = Vec::new();
    found.extend(qcow2::look(&mut source)?);
    found.extend(simple::qed(&mut source)?);
    found.extend(simple::vhd(&mut source)?);
    found.extend(simple::vdi(&mut source)?);
    found.extend(simple::luks(&mut source)?);
    found.extend(vhdx::look(&mut source)?);
    found.extend(vmdk::look(&mut source)?);
    found.extend(simple::iso(&mut source)?);
    // A bootable ISO carries a boot sector: the same bytes to whoever reads them.
    if !matches!(found.as_slice(), [only] if only.format == Format::Iso) {
        found.extend(mbr::look(&mut source)?);
    }
    // Sizes are signed to those who read them.
    let absurd = |found: &Match| i64::try_from(found.virtual_size).is_err();
    if found.len() > 1 {
        let formats = found.iter().map(|m| m.format).collect();
        return Err(InspectError::Ambiguous { formats });
    }
    match found.pop() {
        None => Ok(Inspected {
            format: Format::Raw,
            virtual_size: source.size(),
        }),
        Some(found) if found.reasons.is_empty() && !absurd(&found) => Ok(Inspected {
            format: found.format,
            virtual_size: found.virtual_size,
        }),
        Some(found) => {
            let absurd = absurd(&found);
            let found = found.refuse_if(absurd, "its size is absurd");
            Err(InspectError::Unsafe {
                format: found.format,
                reasons: found.reasons,
            })
        }
    }
}
