//! The cases that move the bytes of images, on real disks.

use serde_json::{Value, json};

use super::case::{Case, Given};
use crate::support::images::{ImageLab, disk_content};
use crate::support::lab::Lab;

const MIB: usize = 1 << 20;

/// The kill points that only these commands pass.
pub(super) fn points(case: Case) -> Option<&'static [&'static str]> {
    Some(match case {
        Case::FromImage => &[
            "worker.claimed",
            "create_volume.on_array",
            "copy.mapped",
            "copy.unmapped",
            "create_volume.image_written",
            "create_volume.metadata_copied",
            "create_volume.ended",
        ],
        Case::ToImage => &[
            "copy.mapped",
            "copy_volume_to_image.read",
            "copy_volume_to_image.uploaded",
            "copy.unmapped",
            "copy_volume_to_image.ended",
        ],
        Case::ToImageFails => &[
            "copy.mapped",
            "copy.unmapped",
            "message.written",
            "copy_volume_to_image.removed",
            "copy_volume_to_image.ended",
        ],
        _ => return None,
    })
}

/// Whether the case needs an image service and real disks.
pub(super) fn is_of(case: Case) -> bool {
    points(case).is_some()
}

/// A lab with both.
pub(super) async fn lab() -> Lab {
    let ImageLab { lab, .. } = ImageLab::build().await;
    lab.queue_of("cinder-scheduler").await;
    lab
}

/// As `Case::prepare`; `None` for cases that are not about images.
pub(super) async fn prepare(case: Case, lab: &Lab) -> Option<Given> {
    if !is_of(case) {
        return None;
    }
    let glance = lab.glance.as_ref().expect("an image service");
    let (id, image, body) = if case == Case::FromImage {
        let image = glance.image("raw", disk_content(3 * MIB));
        let (id, body) = lab.made_from(&image, 1).await;
        (id, image, body.without_retry())
    } else {
        let format = match case {
            Case::ToImage => "qcow2",
            _ => "unheard-of",
        };
        let id = lab.created("xio", 1).await;
        let image = glance.queued(format);
        let body = lab.uploaded_as(&id, &image, format).await;
        (id, image, body)
    };
    let mut given = Given::new(lab, id, body).await;
    given.image = Some(image);
    Some(given)
}

/// What comes next: the volume is deleted.
pub(super) async fn succeed(case: Case, lab: &Lab, given: &Given) -> bool {
    if is_of(case) {
        lab.delete("xio", &given.id).await;
        lab.wait_status(&given.id, "deleted").await;
    }
    is_of(case)
}

/// What the command can have left: the image, the bytes, mappings, files.
pub(super) async fn left(lab: &Lab, given: &Given, image: &str) -> Value {
    let glance = lab.glance.as_ref().expect("an image service");
    let stored = glance.stored(image);
    let on_array = lab.array().contains(&given.id);
    let written = if on_array {
        let disk = std::fs::File::open(lab.disk(&given.id).await).expect("the disk");
        let mut start = vec![0; 3 * MIB];
        std::os::unix::fs::FileExt::read_exact_at(&disk, &mut start, 0).expect("its start");
        Some(start == disk_content(3 * MIB))
    } else {
        None
    };
    json!({
        "image": stored.map(|image| json!([image.status, image.data.is_empty()])),
        "written": written,
        "mappings": lab.mappings().await,
        "files": lab.work_files(),
    })
}
