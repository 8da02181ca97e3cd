//! Images become volumes and volumes become images: on real disks, through iSCSI.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;

use cinder_volume_xtremio::config::Engine;
use serde_json::json;

use crate::support::bodies::Body;
use crate::support::images::{ImageLab, disk_content, disk_in, image_file};
use crate::support::lab::{FC, Lab, LabBuilder};
use crate::support::worker::eventually;

const MIB: usize = 1 << 20;

/// Nothing of a copy is left: no mapping, no file.
async fn nothing_left(lab: &Lab) {
    eventually("no mapping and no file", async || {
        (lab.mappings().await == 0 && lab.work_files().is_empty()).then_some(())
    })
    .await;
}

async fn first_bytes(lab: &Lab, volume: &str, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    let mut file = std::fs::File::open(lab.disk(volume).await).expect("the disk");
    file.seek(SeekFrom::Start(0)).expect("its start");
    file.read_exact(&mut bytes).expect("its bytes");
    bytes
}

async fn becomes_a_volume(format: &str) {
    let ImageLab { lab, glance } = ImageLab::start().await;
    let content = disk_content(24 * MIB);
    let folder = tempfile::tempdir().expect("a folder");
    let image = glance.image(format, image_file(folder.path(), &content, format));
    let (id, body) = lab.made_from(&image, 1).await;
    lab.cast("xio", &body).await;
    let row = lab.wait_status(&id, "available").await;
    assert_eq!(row.bootable, Some(true));
    assert!(
        first_bytes(&lab, &id, content.len()).await == content,
        "{format}: other bytes"
    );
    let disk = std::fs::metadata(lab.disk(&id).await).expect("the disk");
    assert_eq!(disk.len(), 1 << 30);
    let allocated = disk.blocks() * 512;
    assert!(
        allocated < 12 * MIB as u64,
        "{format}: {allocated} bytes are allocated"
    );
    let pairs = lab
        .db
        .db
        .glance_metadata(&id)
        .await
        .expect("image metadata");
    assert_eq!(pairs["image_id"], image);
    assert_eq!(pairs["disk_format"], format);
    assert_eq!(pairs["os_type"], "linux");
    assert_eq!(pairs["min_disk"], "0");
    lab.wait_count(&format!("FROM workers WHERE resource_id = '{id}'"), 0)
        .await;
    let end = lab.event(&id, "volume.create.end").await;
    let told = end["payload"]["glance_metadata"]
        .as_array()
        .expect("image metadata");
    assert_eq!(told.len(), pairs.len());
    assert!(lab.messages(&id).await.is_empty());
    nothing_left(&lab).await;
    lab.finish_as_it_is().await;
}

#[tokio::test]
async fn a_qcow2_image_becomes_a_volume() {
    becomes_a_volume("qcow2").await;
}

#[tokio::test]
async fn a_raw_image_becomes_a_volume() {
    becomes_a_volume("raw").await;
}

/// The volume ends in `error`, its owner is told, and nothing was made.
async fn refused(lab: &Lab, body: &Body, id: &str, messages: &[&str]) {
    lab.cast("xio", body).await;
    lab.wait_status(id, "error").await;
    assert_eq!(lab.messages(id).await, messages);
    assert!(
        !lab.array().contains(&id.to_owned()),
        "nothing is made of it"
    );
    assert_eq!(lab.image_metadata(id).await, 0);
    nothing_left(lab).await;
}

#[tokio::test]
async fn images_that_may_not_be_used_end_visibly() {
    let ImageLab { lab, glance } = ImageLab::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let qcow2 = image_file(folder.path(), &disk_content(MIB), "qcow2");

    let mut backed = qcow2.clone();
    // A backing file's name may lie at this offset.
    backed[8..16].copy_from_slice(&512_u64.to_be_bytes());
    let claimed_raw = glance.image("raw", qcow2.clone());
    let large = {
        let mut header = qcow2.clone();
        header[24..32].copy_from_slice(&(3_u64 << 30).to_be_bytes());
        header
    };
    let damaged = glance.image("qcow2", qcow2.clone());
    glance.change(&damaged, |image| {
        image.properties = json!({"os_hash_algo": "sha512", "os_hash_value": "00"});
    });
    let image = ["VOLUME_VOLUME_005_001"];
    let cases: [(String, &[&str]); 5] = [
        (glance.image("qcow2", backed), &image),
        (claimed_raw, &image),
        (glance.image("qcow2", large), &image),
        (glance.image("qcow2", b"no image at all".as_slice()), &image),
        // A transfer that went wrong, not the image.
        (damaged, &[]),
    ];
    for (image, messages) in cases {
        let (id, body) = lab.made_from(&image, 2).await;
        refused(&lab, &body.without_retry(), &id, messages).await;
    }
    let missing = "6a2f0f8e-0000-4000-8000-000000000000";
    let (id, body) = lab.made_from(missing, 1).await;
    refused(&lab, &body, &id, &[]).await;
    lab.finish_as_it_is().await;
}

#[tokio::test]
async fn a_volume_becomes_an_image_of_any_format() {
    let ImageLab { lab, glance } = ImageLab::start().await;
    let content = disk_content(8 * MIB);
    let folder = tempfile::tempdir().expect("a folder");
    let source = glance.image("qcow2", image_file(folder.path(), &content, "qcow2"));
    let (id, body) = lab.made_from(&source, 1).await;
    lab.cast("xio", &body).await;
    lab.wait_status(&id, "available").await;
    for format in ["raw", "qcow2", "vmdk"] {
        let image = glance.queued(format);
        let body = lab.uploaded_as(&id, &image, format).await;
        lab.cast("xio", &body).await;
        lab.wait_status(&id, "available").await;
        let stored = glance.stored(&image).expect("the image");
        assert_eq!(stored.status, "active", "{format}");
        let disk = disk_in(folder.path(), &stored.data, format);
        assert_eq!(disk.len(), 1 << 30, "{format}");
        assert!(disk[..content.len()] == content, "{format}: other bytes");
        assert!(
            disk[content.len()..].iter().all(|byte| *byte == 0),
            "{format}"
        );
        assert!(lab.messages(&id).await.is_empty(), "{format}");
        nothing_left(&lab).await;
    }
    lab.finish_as_it_is().await;
}

#[tokio::test]
async fn an_upload_that_fails_takes_the_image_away() {
    let ImageLab { lab, glance } = ImageLab::start().await;
    let id = lab.created("xio", 1).await;
    let image = glance.queued("unheard-of");
    let body = lab.uploaded_as(&id, &image, "unheard-of").await;
    lab.cast("xio", &body).await;
    lab.wait_status(&id, "available").await;
    assert_eq!(lab.messages(&id).await, ["VOLUME_VOLUME_003_004"]);
    assert!(glance.stored(&image).is_none(), "nobody will ever fill it");
    nothing_left(&lab).await;
    lab.finish_as_it_is().await;
}

/// A tenant may write an image's header to the start of a volume: what it names is not followed.
#[tokio::test]
async fn a_volume_that_looks_like_an_image_with_a_backing_file_is_not_converted() {
    let ImageLab { lab, glance } = ImageLab::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut header = image_file(folder.path(), &disk_content(MIB), "qcow2");
    header[8..16].copy_from_slice(&512_u64.to_be_bytes());
    let source = glance.image("raw", {
        // So that it may be written at all.
        let mut padded = vec![0; MIB];
        padded.extend(&header);
        padded
    });
    let (id, body) = lab.made_from(&source, 1).await;
    lab.cast("xio", &body).await;
    lab.wait_status(&id, "available").await;
    let disk = lab.disk(&id).await;
    let mut file = std::fs::File::options()
        .write(true)
        .open(disk)
        .expect("the disk");
    std::io::Write::write_all(&mut file, &header).expect("written");
    let image = glance.queued("qcow2");
    let body = lab.uploaded_as(&id, &image, "qcow2").await;
    lab.cast("xio", &body).await;
    lab.wait_status(&id, "available").await;
    assert_eq!(lab.messages(&id).await, ["VOLUME_VOLUME_003_004"]);
    assert!(glance.stored(&image).is_none());
    nothing_left(&lab).await;
    lab.finish_as_it_is().await;
}

#[tokio::test]
async fn an_upload_leaves_the_mapping_of_an_instance_alone() {
    let ImageLab { lab, glance } = ImageLab::start().await;
    let id = lab.created("xio", 1).await;
    lab.mapped(&id).await;
    lab.attached(&id, Some("1f0a3b1e-0000-4000-8000-000000000001"))
        .await;
    let image = glance.queued("raw");
    let body = lab.uploaded_as(&id, &image, "raw").await;
    lab.cast("xio", &body).await;
    lab.wait_status(&id, "in-use").await;
    assert_eq!(glance.stored(&image).expect("the image").status, "active");
    eventually("one mapping", async || {
        (lab.mappings().await == 1).then_some(())
    })
    .await;
    lab.finish_as_it_is().await;
}

#[tokio::test]
async fn without_a_way_to_the_bytes_only_their_commands_fail() {
    let lab = LabBuilder::new(Engine::MySql)
        .backends(&[("xio", FC)])
        .option("glance_api_servers = http://127.0.0.1:9")
        .option("glance_num_retries = 0")
        .start()
        .await;
    let id = lab.created("xio", 1).await;
    let image = "6a2f0f8e-0000-4000-8000-000000000000";
    let body = lab.uploaded_as(&id, image, "raw").await;
    lab.cast("xio", &body).await;
    lab.wait_status(&id, "available").await;
    assert_eq!(lab.messages(&id).await, ["VOLUME_VOLUME_003_004"]);
    lab.finish_as_it_is().await;
}
