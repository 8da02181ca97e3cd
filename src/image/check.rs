//! Which images are taken: the rules of Cinder, with its words for who breaks them.

use std::io::{Read, Seek};

use super::error::ImageError;
use super::inspect::{Format, InspectError, Inspected, inspect};
use super::qemu::Info;
use crate::config::ImageOptions;

const GIB: u64 = 1 << 30;
/// What Cinder says of whatever its inspector does not let pass.
const UNSAFE: &str = "Image/Volume failed safety check";

/// What Glance says of an image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageFacts {
    /// `id`
    pub id: String,
    /// `disk_format`, such as `qcow2`.
    pub disk_format: String,
    /// `container_format`, such as `bare`.
    pub container_format: String,
    /// `size` of the file, bytes; 0 if unknown.
    pub size: u64,
    /// `virtual_size`, bytes, if Glance knows it.
    pub virtual_size: Option<u64>,
}

impl ImageFacts {
    /// Whether the file is packed once more.
    pub fn is_compressed(&self) -> bool {
        self.container_format == "compressed"
    }

    fn refused(&self, reason: impl Into<String>) -> ImageError {
        ImageError::unacceptable(&self.id, reason)
    }
}

/// The name of qemu's driver for a disk format of Glance.
pub(super) fn driver_of(disk_format: &str) -> &str {
    match disk_format {
        "iso" | "gpt" | "luks" => "raw",
        "vhd" => "vpc",
        "ploop" => "parallels",
        other => other,
    }
}

/// The disk formats that a volume can be converted to.
pub(super) fn can_be_made(disk_format: &str) -> bool {
    const MADE: [&str; 7] = ["raw", "qcow2", "vmdk", "vpc", "vhdx", "vdi", "parallels"];
    MADE.contains(&driver_of(disk_format))
}

/// What can be refused before the image is downloaded.
pub(super) fn before_download(
    image: &ImageFacts,
    volume_size: u64,
    options: &ImageOptions,
) -> Result<(), ImageError> {
    if let Some(size) = image.virtual_size {
        check_size(image, size, volume_size)?;
    }
    if options.conversion_disable && image.disk_format != "raw" {
        return Err(ImageError::ConversionNotAllowed {
            image_id: image.id.clone(),
            reason: format!(
                "Image conversion is disabled. The volume type you have requested requires that \
                 the image it is being created from be in 'raw' format, but the image you are \
                 using has the disk_format property '{}'. You must use an image with the \
                 disk_format property 'raw' to create a volume of this type.",
                image.disk_format
            ),
        });
    }
    if image.is_compressed() && !options.allow_compressed_container {
        return Err(
            image.refused("Image compression disallowed, but container_format is compressed.")
        );
    }
    Ok(())
}

/// What can be refused before a volume is read.
pub(super) fn before_upload(image: &ImageFacts, options: &ImageOptions) -> Result<(), ImageError> {
    if options.conversion_disable && image.disk_format != "raw" {
        return Err(ImageError::ConversionNotAllowed {
            image_id: image.id.clone(),
            reason: format!(
                "Image conversion is disabled. The image disk_format you have requested is '{}', \
                 but your volume can only be uploaded in the format 'raw'.",
                image.disk_format
            ),
        });
    }
    if !can_be_made(&image.disk_format) {
        let reason = format!("a volume cannot be converted to '{}'", image.disk_format);
        return Err(image.refused(reason));
    }
    Ok(())
}

/// Whether a disk of that many bytes fits a volume of that many GiB.
fn check_size(image: &ImageFacts, virtual_size: u64, volume_size: u64) -> Result<(), ImageError> {
    let size = virtual_size.div_ceil(GIB);
    if size > volume_size {
        return Err(image.refused(format!(
            "Image virtual size is {size}GB and doesn't fit in a volume of size {volume_size}GB."
        )));
    }
    Ok(())
}

/// What the file is, by own inspection: before any other program opens it.
pub(super) fn safe(image_id: &str, file: impl Read + Seek) -> Result<Inspected, ImageError> {
    inspect(file).map_err(|cause| match cause {
        InspectError::Io(source) => ImageError::Io {
            what: format!("reading the file of image {image_id}"),
            source,
        },
        cause => ImageError::Unacceptable {
            image_id: image_id.to_owned(),
            reason: UNSAFE.to_owned(),
            cause: Some(cause),
        },
    })
}

/// Judges an image after both have looked at it. In the order of Cinder, so that an image with
/// several faults is refused for the same one.
pub(super) fn downloaded(
    image: &ImageFacts,
    found: Inspected,
    info: &Info,
    volume_size: u64,
    vmdk_allowed_types: &[String],
) -> Result<(), ImageError> {
    if let Some(backing_file) = &info.backing_file {
        let reason = format!("fmt={} backed by: {backing_file}", info.format);
        return Err(image.refused(reason));
    }
    check_vmdk(image, info, vmdk_allowed_types)?;
    check_qcow2(image, info)?;
    check_size(
        image,
        info.virtual_size.max(found.virtual_size),
        volume_size,
    )?;
    let detected = found.format.qemu_driver();
    if info.format != detected {
        // both were to see one format
        return Err(image.refused(UNSAFE));
    }
    let claimed = driver_of(&image.disk_format);
    // an `ami` may be in any format
    if !claimed.eq_ignore_ascii_case("ami") && claimed != detected {
        return Err(image.refused(format!(
            "The image format was claimed to be '{claimed}' but the image data appears to be in a \
             different format."
        )));
    }
    Ok(())
}

fn check_vmdk(image: &ImageFacts, info: &Info, allowed: &[String]) -> Result<(), ImageError> {
    if info.format != "vmdk" {
        return Ok(());
    }
    if allowed.is_empty() {
        return Err(image.refused("Image is a VMDK, but no VMDK createType is allowed"));
    }
    let Some(specific) = &info.specific else {
        return Err(image.refused(
            "Unable to determine VMDK createType as no format-specific information is available",
        ));
    };
    match &specific.create_type {
        None => Err(image.refused("Unable to determine VMDK createType")),
        Some(create_type) if !allowed.contains(create_type) => {
            Err(image.refused("Invalid VMDK create-type specified"))
        }
        Some(_) => Ok(()),
    }
}

fn check_qcow2(image: &ImageFacts, info: &Info) -> Result<(), ImageError> {
    if info.format != "qcow2" {
        return Ok(());
    }
    match &info.specific {
        None => Err(image.refused("Cannot determine format-specific information")),
        Some(specific) if specific.data_file.as_ref().is_some_and(|f| !f.is_empty()) => {
            Err(image.refused("A qcow2 format image is not allowed to have a data file"))
        }
        Some(_) => Ok(()),
    }
}

/// Judges the content of a volume that is to be converted: what a tenant wrote must not look like
/// an image that leads elsewhere. Partition tables are the tenant's own business.
pub(super) fn volume_content(image_id: &str, head: impl Read + Seek) -> Result<(), ImageError> {
    let own_business = |format: &Format| {
        matches!(
            format,
            Format::Raw | Format::Gpt | Format::Iso | Format::Luks
        )
    };
    match inspect(head) {
        Ok(_) => Ok(()),
        Err(InspectError::Unsafe { format, .. }) if own_business(&format) => Ok(()),
        Err(InspectError::Ambiguous { formats }) if formats.iter().all(own_business) => Ok(()),
        Err(InspectError::Io(source)) => Err(ImageError::Io {
            what: format!("reading the content of the volume for image {image_id}"),
            source,
        }),
        Err(cause) => Err(ImageError::Unacceptable {
            image_id: image_id.to_owned(),
            reason: UNSAFE.to_owned(),
            cause: Some(cause),
        }),
    }
}

/// Judges what a volume was converted to.
pub(super) fn converted(image: &ImageFacts, info: &Info, detected: &str) -> Result<(), ImageError> {
    let wanted = driver_of(&image.disk_format);
    // no inspector knows the format of ploop; qemu does
    let seen = if wanted == "parallels" {
        &info.format
    } else {
        detected
    };
    if seen != wanted || info.format != wanted || info.backing_file.is_some() {
        return Err(image.refused(format!("Converted to {wanted}, but format is now {seen}")));
    }
    Ok(())
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
