//! The refusals, and their order.
#![allow(clippy::unwrap_used)]

use std::io::Cursor;

use super::*;
use crate::image::qemu::Specific;

fn options() -> ImageOptions {
    ImageOptions {
        conversion_dir: "/nowhere".into(),
        introspection_cpu_limit: std::time::Duration::from_secs(60),
        introspection_address_space_limit: GIB,
        conversion_disable: false,
        compress_on_upload: true,
        vmdk_allowed_types: vec!["streamOptimized".to_owned(), "monolithicSparse".to_owned()],
        allow_compressed_container: false,
        compression_format: "gzip",
    }
}

fn image(disk_format: &str) -> ImageFacts {
    ImageFacts {
        id: "i1".to_owned(),
        disk_format: disk_format.to_owned(),
        container_format: "bare".to_owned(),
        ..ImageFacts::default()
    }
}

fn info(format: &str) -> Info {
    Info {
        format: format.to_owned(),
        virtual_size: GIB,
        backing_file: None,
        encrypted: false,
        specific: Some(Specific {
            data_file: None,
            create_type: Some("streamOptimized".to_owned()),
        }),
    }
}

fn found(format: Format) -> Inspected {
    Inspected {
        format,
        virtual_size: GIB,
    }
}

fn reason(result: Result<(), ImageError>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.exception(), "ImageUnacceptable");
    let reason = error.reason();
    assert_eq!(
        error.to_string(),
        format!("Image i1 is unacceptable: {reason}")
    );
    reason
}

fn judge(claimed: &str, format: Format, info: &Info) -> Result<(), ImageError> {
    let allowed = options().vmdk_allowed_types;
    downloaded(&image(claimed), found(format), info, 1, &allowed)
}

#[test]
fn what_is_claimed_must_be_what_it_is() {
    for (claimed, format) in [
        ("raw", Format::Raw),
        ("raw", Format::Gpt),
        ("raw", Format::Luks),
        ("gpt", Format::Gpt),
        ("luks", Format::Luks),
        ("iso", Format::Iso),
        ("qcow2", Format::Qcow2),
        ("vhd", Format::Vhd),
        ("vhdx", Format::Vhdx),
        ("vdi", Format::Vdi),
        ("vmdk", Format::Vmdk),
        ("ami", Format::Raw),
        ("AMI", Format::Qcow2),
    ] {
        judge(claimed, format, &info(format.qemu_driver())).unwrap();
    }
    for (claimed, format, named) in [
        ("raw", Format::Qcow2, "raw"),
        ("qcow2", Format::Raw, "qcow2"),
        ("iso", Format::Vmdk, "raw"),
        ("vhd", Format::Raw, "vpc"),
        ("ploop", Format::Raw, "parallels"),
        ("aki", Format::Raw, "aki"),
        ("", Format::Raw, ""),
    ] {
        assert_eq!(
            reason(judge(claimed, format, &info(format.qemu_driver()))),
            format!(
                "The image format was claimed to be '{named}' but the image data appears to be in \
                 a different format."
            )
        );
    }
}

#[test]
fn a_disk_must_fit_its_volume() {
    let mut big = info("raw");
    big.virtual_size = GIB + 1;
    assert_eq!(
        reason(judge("raw", Format::Raw, &big)),
        "Image virtual size is 2GB and doesn't fit in a volume of size 1GB."
    );
    let mut told = image("qcow2");
    told.virtual_size = Some(3 * GIB);
    assert_eq!(
        reason(before_download(&told, 2, &options())),
        "Image virtual size is 3GB and doesn't fit in a volume of size 2GB."
    );
    before_download(&told, 3, &options()).unwrap();
}

#[test]
fn files_that_lead_to_others_are_refused() {
    let mut backed = info("qcow2");
    backed.backing_file = Some("/etc/passwd".to_owned());
    // the size is a fault too, and comes later
    backed.virtual_size = 9 * GIB;
    assert_eq!(
        reason(judge("raw", Format::Qcow2, &backed)),
        "fmt=qcow2 backed by: /etc/passwd"
    );
    let mut data = info("qcow2");
    data.specific.as_mut().unwrap().data_file = Some("/etc/passwd".to_owned());
    assert_eq!(
        reason(judge("qcow2", Format::Qcow2, &data)),
        "A qcow2 format image is not allowed to have a data file"
    );
    let mut silent = info("qcow2");
    silent.specific = None;
    assert_eq!(
        reason(judge("qcow2", Format::Qcow2, &silent)),
        "Cannot determine format-specific information"
    );
}

#[test]
fn only_allowed_types_of_vmdk_are_taken() {
    let mut vmdk = info("vmdk");
    let judge_with = |vmdk: &Info, allowed: &[String]| {
        reason(downloaded(
            &image("vmdk"),
            found(Format::Vmdk),
            vmdk,
            1,
            allowed,
        ))
    };
    let allowed = options().vmdk_allowed_types;
    assert_eq!(
        judge_with(&vmdk, &[]),
        "Image is a VMDK, but no VMDK createType is allowed"
    );
    vmdk.specific.as_mut().unwrap().create_type = Some("monolithicFlat".to_owned());
    assert_eq!(
        judge_with(&vmdk, &allowed),
        "Invalid VMDK create-type specified"
    );
    vmdk.specific.as_mut().unwrap().create_type = None;
    assert_eq!(
        judge_with(&vmdk, &allowed),
        "Unable to determine VMDK createType"
    );
    vmdk.specific = None;
    assert_eq!(
        judge_with(&vmdk, &allowed),
        "Unable to determine VMDK createType as no format-specific information is available"
    );
}

#[test]
fn without_conversion_only_raw_goes_either_way() {
    let mut options = options();
    options.conversion_disable = true;
    before_download(&image("raw"), 1, &options).unwrap();
    before_upload(&image("raw"), &options).unwrap();
    for refused in [
        before_download(&image("qcow2"), 1, &options),
        before_upload(&image("qcow2"), &options),
    ] {
        let error = refused.unwrap_err();
        assert_eq!(error.exception(), "ImageConversionNotAllowed");
        let text = error.to_string();
        let start = "Image Conversion disallowed for image i1: Image conversion is disabled. The ";
        assert!(text.starts_with(start), "{text}");
        assert!(text.contains("'qcow2'") && text.contains("'raw'"), "{text}");
    }
}

#[test]
fn a_compressed_container_is_taken_only_when_allowed() {
    let mut packed = image("raw");
    packed.container_format = "compressed".to_owned();
    assert_eq!(
        reason(before_download(&packed, 1, &options())),
        "Image compression disallowed, but container_format is compressed."
    );
    let mut allowing = options();
    allowing.allow_compressed_container = true;
    before_download(&packed, 1, &allowing).unwrap();
}

#[test]
fn only_formats_that_can_be_written_are_made() {
    for format in ["raw", "qcow2", "vmdk", "vhd", "vhdx", "vdi", "ploop", "iso"] {
        before_upload(&image(format), &options()).unwrap();
    }
    for format in ["ami", "aki", "qed", "luks2", ""] {
        let said = reason(before_upload(&image(format), &options()));
        assert_eq!(said, format!("a volume cannot be converted to '{format}'"));
    }
}

#[test]
fn what_a_tenant_wrote_to_a_volume_leads_nowhere() {
    let mut qcow2 = vec![0; 1 << 20];
    qcow2[..8].copy_from_slice(b"QFI\xfb\0\0\0\x03");
    qcow2[15] = 104;
    let error = volume_content("i1", Cursor::new(qcow2)).unwrap_err();
    assert_eq!(error.reason(), "Image/Volume failed safety check");
    // a boot sector with an empty partition table, which no image may have
    let mut boot = vec![0; 1 << 20];
    boot[..3].copy_from_slice(b"\xeb\x63\x90");
    boot[510..512].copy_from_slice(b"\x55\xaa");
    inspect(Cursor::new(&boot)).unwrap_err();
    volume_content("i1", Cursor::new(boot)).unwrap();
    volume_content("i1", Cursor::new(vec![7; 4096])).unwrap();
}

#[test]
fn what_was_made_must_be_what_was_wanted() {
    converted(&image("vhd"), &info("vpc"), "vpc").unwrap();
    converted(&image("ploop"), &info("parallels"), "raw").unwrap();
    assert_eq!(
        reason(converted(&image("qcow2"), &info("qcow2"), "raw")),
        "Converted to qcow2, but format is now raw"
    );
}
