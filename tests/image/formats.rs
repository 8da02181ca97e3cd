//! Every format to a LUN and back: the same content, and sparse.

use cinder_volume_xtremio::image::{Place, Progress, Step};
use tokio::io::AsyncReadExt as _;

use super::target::Target;
use super::{Lab, MIB, allocated, disk, facts, qemu_img, same, text};

const SIZE: u64 = 32 * MIB;

/// Name in Glance and options of its making.
const FORMATS: [(&str, &[&str]); 7] = [
    ("raw", &["-O", "raw"]),
    ("qcow2", &["-O", "qcow2"]),
    ("qcow2", &["-O", "qcow2", "-c"]),
    ("vmdk", &["-O", "vmdk", "-o", "subformat=streamOptimized"]),
    ("vhdx", &["-O", "vhdx"]),
    ("vhd", &["-O", "vpc", "-o", "force_size=on"]),
    ("vdi", &["-O", "vdi"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn images_reach_a_lun_whole_and_sparse() {
    let (lab, target) = (Lab::with(""), Target::start());
    disk(&lab.path("disk"), SIZE);
    for (at, (format, options)) in FORMATS.iter().enumerate() {
        let lun = u16::try_from(at + 1).unwrap();
        let behind = target.lun(lun, SIZE);
        let image = lab.path("image");
        let mut args = vec!["convert"];
        args.extend(*options);
        let disk = lab.path("disk");
        args.extend([text(&disk), text(&image)]);
        qemu_img(&args);
        let prepared = lab.prepared(&image, &facts(format)).await.unwrap();
        assert_eq!(prepared.virtual_size, SIZE, "{options:?}");
        let progress = Progress::new();
        let place = target.place(lun);
        let written = lab.copier.write(&prepared, &place, true, &progress).await;
        written.unwrap();
        assert_eq!(
            (
                progress.now().step,
                progress.now().done,
                progress.now().total
            ),
            (Step::Convert, SIZE, SIZE)
        );
        same(&disk, &behind);
        // an eighth is data
        assert!(allocated(&behind) <= SIZE / 8 + MIB, "{options:?}: fat");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn zeros_are_written_when_holes_will_not_do() {
    let (lab, target) = (Lab::with(""), Target::start());
    disk(&lab.path("disk"), SIZE);
    let behind = target.lun(1, SIZE);
    let prepared = lab
        .prepared(&lab.path("disk"), &facts("raw"))
        .await
        .unwrap();
    let progress = Progress::new();
    let place = target.place(1);
    let written = lab.copier.write(&prepared, &place, false, &progress).await;
    written.unwrap();
    same(&lab.path("disk"), &behind);
    assert!(allocated(&behind) >= SIZE, "there are holes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lun_becomes_an_image_of_every_format() {
    let (lab, target) = (Lab::with(""), Target::start());
    let disk_path = lab.path("disk");
    disk(&disk_path, SIZE);
    target.lun_of(1, &disk_path);
    let device = Place::File(disk_path.clone());
    for format in ["raw", "qcow2", "vmdk", "vhdx", "vhd", "vdi", "ploop", "iso"] {
        for place in [target.place(1), device.clone()] {
            let (progress, image_facts) = (Progress::new(), facts(format));
            let read = lab.copier.read(&place, &image_facts, SIZE, &progress);
            let mut reading = read.await.unwrap();
            let mut bytes = Vec::new();
            reading.read_to_end(&mut bytes).await.unwrap();
            assert_eq!(bytes.len() as u64, reading.length());
            assert_eq!(
                (progress.now().step, progress.now().done),
                (Step::Upload, reading.length())
            );
            let (image, back) = (lab.path("image"), lab.path("back"));
            std::fs::write(&image, &bytes).unwrap();
            let driver = match format {
                "vhd" => "vpc",
                "ploop" => "parallels",
                "iso" => "raw",
                other => other,
            };
            qemu_img(&[
                "convert",
                "-f",
                driver,
                "-O",
                "raw",
                text(&image),
                text(&back),
            ]);
            same(&disk_path, &back);
            if !matches!(format, "raw" | "iso") {
                // VHDX has blocks of 8 MiB
                let least = if format == "vhdx" { 24 } else { 6 };
                assert!(bytes.len() as u64 <= least * MIB, "{format}: fat");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_uploaded_can_be_a_volume_again() {
    let lab = Lab::with("");
    disk(&lab.path("disk"), SIZE);
    let volume = Place::File(lab.path("disk"));
    for format in ["raw", "qcow2", "vmdk", "vhdx", "vhd", "vdi"] {
        let (progress, image_facts) = (Progress::new(), facts(format));
        let read = lab.copier.read(&volume, &image_facts, SIZE, &progress);
        let mut reading = read.await.unwrap();
        let mut bytes = Vec::new();
        reading.read_to_end(&mut bytes).await.unwrap();
        std::fs::write(lab.path("image"), bytes).unwrap();
        std::fs::write(lab.path("again"), vec![0xff; SIZE as usize]).unwrap();
        let again = Place::File(lab.path("again"));
        let written = lab.to_volume(&lab.path("image"), format, &again).await;
        written.unwrap_or_else(|error| panic!("{format}: {error:?}"));
        same(&lab.path("disk"), &lab.path("again"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_is_copied_to_another() {
    let (lab, target) = (Lab::with(""), Target::start());
    disk(&lab.path("disk"), SIZE);
    target.lun_of(1, &lab.path("disk"));
    let behind = target.lun(2, SIZE);
    let progress = Progress::new();
    let (from, to) = (target.place(1), target.place(2));
    lab.copier
        .copy(&from, &to, SIZE, true, &progress)
        .await
        .unwrap();
    same(&lab.path("disk"), &behind);
    assert!(allocated(&behind) <= SIZE / 8 + MIB, "fat");
    assert_eq!(progress.now().done, SIZE);
}
