//! Options of uploads and of packed images.

use cinder_volume_xtremio::image::{ImageError, ImageFacts, Place, Progress};
use tokio::io::AsyncReadExt as _;

use super::{IMAGE, Lab, MIB, disk, facts, qemu_img, same, text};

const SIZE: u64 = 16 * MIB;

/// Text that can be packed well.
fn words(lab: &Lab) -> Place {
    let path = lab.path("words");
    std::fs::write(&path, b"0123456789abcdef".repeat((SIZE / 16) as usize)).unwrap();
    Place::File(path)
}

async fn uploaded(lab: &Lab, from: &Place, image: &ImageFacts) -> Vec<u8> {
    let progress = Progress::new();
    let mut reading = lab.copier.read(from, image, SIZE, &progress).await.unwrap();
    let mut bytes = Vec::new();
    reading.read_to_end(&mut bytes).await.unwrap();
    bytes
}

fn packed(disk_format: &str) -> ImageFacts {
    ImageFacts {
        container_format: "compressed".to_owned(),
        ..facts(disk_format)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn qcow2_is_compressed_unless_told_otherwise() {
    let lab = Lab::with("");
    let small = uploaded(&lab, &words(&lab), &facts("qcow2")).await.len() as u64;
    assert!(small < SIZE / 8, "{small}");
    let lab = Lab::set("image_compress_on_upload = false", "");
    let large = uploaded(&lab, &words(&lab), &facts("qcow2")).await.len() as u64;
    assert!(large >= SIZE, "{large}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_container_goes_and_comes() {
    let lab = Lab::set("allow_compression_on_image_upload = true", "");
    disk(&lab.path("disk"), SIZE);
    for format in ["raw", "qcow2", "vmdk"] {
        let image = packed(format);
        let bytes = uploaded(&lab, &Place::File(lab.path("disk")), &image).await;
        assert_eq!(bytes[..2], [0x1f, 0x8b]);
        std::fs::write(lab.path("image"), bytes).unwrap();
        std::fs::write(lab.path("again"), vec![0xff; SIZE as usize]).unwrap();
        let prepared = lab.prepared(&lab.path("image"), &image).await.unwrap();
        let again = Place::File(lab.path("again"));
        let written = lab
            .copier
            .write(&prepared, &again, true, &Progress::new())
            .await;
        written.unwrap();
        same(&lab.path("disk"), &lab.path("again"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_container_of_something_else_is_refused() {
    let lab = Lab::set("allow_compression_on_image_upload = true", "");
    disk(&lab.path("disk"), MIB);
    let error = lab
        .prepared(&lab.path("disk"), &packed("raw"))
        .await
        .unwrap_err();
    assert_eq!(
        error.reason(),
        "Unsupported compressed image format found. Only gzip is supported currently"
    );
    std::fs::write(lab.path("cut"), b"\x1f\x8b\x08\0\0\0\0\0\0\x03abc").unwrap();
    let error = lab
        .prepared(&lab.path("cut"), &packed("raw"))
        .await
        .unwrap_err();
    assert_eq!(error.exception(), "ImageUnacceptable");
    let lab = Lab::with("");
    let error = lab.copier.admit(&packed("raw"), 1).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "Image {IMAGE} is unacceptable: Image compression disallowed, but container_format is \
             compressed."
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_inside_a_container_is_inspected() {
    let lab = Lab::set("allow_compression_on_image_upload = true", "");
    let (image, backing) = (lab.path("image"), lab.path("backing"));
    std::fs::write(&backing, vec![1; MIB as usize]).unwrap();
    let args = [
        "create",
        "-q",
        "-f",
        "qcow2",
        "-F",
        "raw",
        "-b",
        text(&backing),
        text(&image),
    ];
    qemu_img(&args);
    let status = std::process::Command::new("gzip")
        .arg("-k")
        .arg(&image)
        .status();
    assert!(status.unwrap().success());
    let error = lab
        .prepared(&lab.path("image.gz"), &packed("qcow2"))
        .await
        .unwrap_err();
    assert_eq!(error.reason(), "Image/Volume failed safety check");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_format_that_cannot_be_made_is_refused() {
    let lab = Lab::with("");
    let progress = Progress::new();
    let read = lab
        .copier
        .read(&words(&lab), &facts("ami"), SIZE, &progress)
        .await;
    assert!(matches!(read.unwrap_err(), ImageError::Unacceptable { .. }));
}
