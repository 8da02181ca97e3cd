//! What `qemu-img info` says of an image.

use serde::Deserialize;

/// The parts of the answer that decide whether an image is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// Name of qemu's driver.
    pub format: String,
    /// Size of the disk in it, bytes.
    pub virtual_size: u64,
    /// `backing-filename`
    pub backing_file: Option<String>,
    /// `encrypted`
    pub encrypted: bool,
    /// What only this format has; `None` when qemu says nothing of that.
    pub specific: Option<Specific>,
}

/// `format-specific.data`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Specific {
    /// `data-file` of a qcow2 image.
    pub data_file: Option<String>,
    /// `create-type` of a VMDK image.
    pub create_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Answer {
    format: String,
    virtual_size: u64,
    #[serde(default)]
    backing_filename: Option<String>,
    #[serde(default)]
    full_backing_filename: Option<String>,
    #[serde(default)]
    encrypted: bool,
    #[serde(default)]
    format_specific: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default)]
    data: Option<Specific>,
}

impl Info {
    /// Reads the JSON form of the answer.
    pub(super) fn parse(answer: &[u8]) -> Result<Self, serde_json::Error> {
        let answer: Answer = serde_json::from_slice(answer)?;
        Ok(Self {
            format: answer.format,
            virtual_size: answer.virtual_size,
            backing_file: answer.backing_filename.or(answer.full_backing_filename),
            encrypted: answer.encrypted,
            specific: answer.format_specific.and_then(|specific| specific.data),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_matters_is_read() {
        let info = Info::parse(
            br#"{"virtual-size": 1048576, "filename": "/proc/self/fd/0", "format": "qcow2",
                 "backing-filename": "/etc/passwd", "encrypted": true, "dirty-flag": false,
                 "format-specific": {"type": "qcow2", "data": {"data-file": "d", "compat": "1.1"}}}"#,
        )
        .unwrap();
        assert_eq!(
            (info.format.as_str(), info.virtual_size),
            ("qcow2", 1 << 20)
        );
        assert_eq!(info.backing_file.as_deref(), Some("/etc/passwd"));
        assert_eq!(info.specific.unwrap().data_file.as_deref(), Some("d"));
        assert!(info.encrypted);
    }

    #[test]
    fn a_raw_image_has_nothing_specific() {
        let info = Info::parse(br#"{"virtual-size": 512, "format": "raw"}"#).unwrap();
        assert_eq!((info.specific, info.backing_file), (None, None));
        Info::parse(br#"{"format": "raw"}"#).unwrap_err();
    }
}
